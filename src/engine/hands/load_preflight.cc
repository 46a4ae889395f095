// Every check before anything is touched: of clones and restores. What a spec
// may not set is refused here for the last time, in the law's own words.

#include <algorithm>
#include <utility>

#include "src/engine/hands/dump_check.h"
#include "src/engine/hands/node_hands.h"
#include "src/engine/hands/refuse.h"
#include "src/hypervisor/guest_view.h"
#include "src/model/inherit.h"

namespace chrysalis::engine {
namespace {

constexpr std::chrono::minutes kHold{15};

// What a snapshot's files have against being used.
Reason reason_of(Code code) {
  switch (code) {
    case Code::kNotFound:
      return Reason::kSnapshotNotFound;
    case Code::kUnsupported:
      return Reason::kSnapshotUnsupported;  // of a newer version
    case Code::kUnavailable:
    case Code::kTimeout:
      return Reason::kStagingFailed;  // the disk's fault: it may pass
    default:
      return Reason::kCorrupt;
  }
}

store::Inherited inherited_from(const store::SnapshotRecord& snapshot) {
  return {snapshot.name, snapshot.uid, snapshot.manifest_digest};
}

uint16_t mtu_of(const store::SnapshotRecord& snapshot) {
  uint16_t mtu = 0;
  for (const auto& nic : snapshot.topology.nics) mtu = std::max(mtu, nic.mtu);
  return mtu;
}

// The guest was told an MTU and sends frames of it. REQUIRES: use_network(vm).
Event mtu_fits(const store::VmRecord& vm,
               const store::SnapshotRecord& snapshot) {
  if (vm.mtu >= mtu_of(snapshot)) return {};
  return refuse(Reason::kMtuTooSmall, "network " + vm.config.network +
                                          " has MTU " + std::to_string(vm.mtu) +
                                          ", the snapshot needs " +
                                          std::to_string(mtu_of(snapshot)));
}

// The i-th of what a load brings. A guest whose NICs are swapped is given
// `mac`; any other keeps the one that the snapshot froze.
store::Nic loaded_nic(const Job& job, size_t i, std::string mac) {
  const model::TopologyNic& saved = job.snapshot.topology.nics[i];
  const bool swap = job.op.facts.swap_nics;
  store::Nic nic;
  nic.id =
      swap ? hypervisor::fresh_nic_id(job.after.uid, job.seq, i) : saved.id;
  nic.tap = network::tap_name(job.after.generation, i);
  nic.guest_mac = swap ? mac : saved.mac;
  nic.mac = std::move(mac);
  return nic;
}

// What is loaded with the snapshot, whoever loads it.
void take_shape(store::VmRecord& vm, const store::SnapshotRecord& snapshot) {
  vm.disks = snapshot.disks;
  vm.cmdline = snapshot.cmdline;
  vm.has_initrd = snapshot.has_initrd;
  vm.max_phys_bits = snapshot.topology.max_phys_bits;
  vm.vmm = snapshot.vmm;
  vm.inherited = inherited_from(snapshot);
}

}  // namespace

// The snapshot that job.snapshot_uid names is here, whole, and the one asked
// for; its program too.
Event NodeHands::check_snapshot(Job& job, const std::string& digest) {
  const auto record = deps_.db.snapshot(job.snapshot_uid);
  if (!record)
    return refuse(Reason::kSnapshotNotFound, "no such snapshot on this node");
  if (!record->ready)
    return refuse(Reason::kSnapshotNotReady, "the snapshot is not complete");
  if (!digest.empty() && digest != record->manifest_digest)
    return refuse(Reason::kDigestMismatch, "the snapshot's manifest is " +
                                               record->manifest_digest + ", " +
                                               digest + " was asked for");
  const auto verified = deps_.snapshots.verify(*record);
  if (!verified)
    return refuse(reason_of(verified.error().code), verified.error().message);
  if (*verified) job.outcomes.emplace_back(**verified);
  if (const auto fit =
          check_dump(backend(record->config.hypervisor),
                     deps_.paths.snapshot(job.snapshot_uid), *record);
      !fit)
    return refuse(reason_of(fit.error().code),
                  "snapshot " + record->uid + ": " + fit.error().message);
  if (const auto binary =
          deps_.binaries.kept(record->config.hypervisor, record->vmm);
      !binary)
    return refuse(Reason::kBinaryMissing, binary.error().message);
  job.snapshot = *record;
  return {};
}

Event NodeHands::preflight_clone(Job& job) {
  if (job.op.facts.staged)
    return reserve_load(job, job.before.pending_load->on_demand);
  const auto& request = std::get<CloneRequest>(job.request);
  if (auto event = check_snapshot(job, request.manifest_digest);
      event.what != Happened::kDone)
    return event;
  const auto assembled =
      model::assemble_clone(request.wish, job.snapshot.config);
  if (!assembled.ok())
    return refuse(Reason::kInvalidConfig, model::join(assembled.faults));
  store::VmRecord& vm = job.after;
  vm.config = assembled.config;
  vm.sources = assembled.sources;
  const auto& can = hypervisor::capabilities(vm.config.hypervisor);
  if (request.on_demand && !can.on_demand)
    return refuse(Reason::kOnDemandUnsupported,
                  "Firecracker maps its memory file anyway; remove "
                  "spec.source.snapshot.onDemand");
  if (auto event = use_network(vm); event.what != Happened::kDone) return event;
  if (auto event = mtu_fits(vm, job.snapshot); event.what != Happened::kDone)
    return event;
  if (auto event = reserve_load(job, request.on_demand);
      event.what != Happened::kDone)
    return event;
  take_shape(vm, job.snapshot);
  job.op.facts.swap_nics = can.swaps_nics && vm.config.nics != 0;
  for (size_t i = 0; i < job.snapshot.topology.nics.size(); ++i)
    vm.nics.push_back(
        loaded_nic(job, i, network::make_mac(vm.uid, job.seq, i)));
  vm.unix_uid = take_unix_uid(vm.uid);
  job.outcomes.emplace_back(
      store::HoldRow{job.snapshot_uid, job.uid, deps_.clock.wall() + kHold});
  job.outcomes.emplace_back(vm);
  return {};
}

Event NodeHands::preflight_restore(Job& job) {
  const auto& request = std::get<RestoreRequest>(job.request);
  if (request.attempt <= job.before.restore_attempt_done)
    return refuse(Reason::kAttemptUsed,
                  "attempt " + std::to_string(request.attempt) +
                      " was used; ask for attempt " +
                      std::to_string(job.before.restore_attempt_done + 1));
  if (job.before.power == model::PowerState::kStopped)
    return refuse(Reason::kTargetStopped,
                  "the VM is stopped; it is restored when it runs again");
  // Without a guard nobody would resume it when we are late or dead.
  if (const Guest& old = held(job.uid).current;
      old.process && old.process->shim_lost())
    return refuse(Reason::kShimLost,
                  "the VM's shim is gone; it can be restored again after its "
                  "next cold boot");
  if (auto event = check_snapshot(job, request.manifest_digest);
      event.what != Happened::kDone)
    return event;
  const store::SnapshotRecord& snapshot = job.snapshot;
  if (snapshot.config.hypervisor != job.before.config.hypervisor)
    return refuse(Reason::kHypervisorMismatch,
                  "the snapshot is of " +
                      std::string(to_string(snapshot.config.hypervisor)) +
                      ", the VM runs on " +
                      std::string(to_string(job.before.config.hypervisor)));
  const bool foreign = snapshot.source_uid != job.uid;
  if (foreign && !request.allow_foreign)
    return refuse(Reason::kForeignSnapshot,
                  "the snapshot is of another VM; set "
                  "spec.restore.allowForeign to accept it");
  const auto& can = hypervisor::capabilities(snapshot.config.hypervisor);
  if (request.on_demand && !can.on_demand)
    return refuse(Reason::kOnDemandUnsupported,
                  "Firecracker maps its memory file anyway; remove "
                  "spec.restore.onDemand");
  model::Recorded target{job.before.config, job.before.sources};
  // How many it really has: an older version may have recorded another number.
  if (job.read_back) target.config.nics = job.read_back->nics;
  const auto assembled =
      model::assemble_restore(request.wish, target, snapshot.config);
  if (!assembled.ok())
    return refuse(target.config.nics != snapshot.config.nics
                      ? Reason::kNicCountMismatch
                      : Reason::kInvalidConfig,
                  model::join(assembled.faults));
  store::VmRecord& vm = job.after;
  vm.config = assembled.config;
  vm.sources = assembled.sources;
  if (auto event = use_network(vm); event.what != Happened::kDone) return event;
  if (auto event = mtu_fits(vm, snapshot);
      foreign && event.what != Happened::kDone)
    return event;
  vm.mtu = std::max(job.before.mtu, mtu_of(snapshot));
  if (auto event = reserve_load(job, request.on_demand);
      event.what != Happened::kDone)
    return event;
  take_shape(vm, snapshot);
  job.op.facts.swap_nics =
      foreign && can.swaps_nics && !snapshot.topology.nics.empty();
  vm.nics.clear();
  const auto& own = job.before.nics;
  for (size_t i = 0; i < snapshot.topology.nics.size(); ++i)
    vm.nics.push_back(loaded_nic(
        job, i, i < own.size() ? own[i].mac : snapshot.topology.nics[i].mac));
  job.outcomes.emplace_back(
      store::HoldRow{job.snapshot_uid, job.uid, deps_.clock.wall() + kHold});
  return {};
}

}  // namespace chrysalis::engine
