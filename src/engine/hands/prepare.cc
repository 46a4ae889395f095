// From a request to a job: its facts, and the records before and after. What
// must be looked up on disk or may be refused waits for the preflight.

#include <utility>

#include "src/engine/hands/node_hands.h"
#include "src/engine/hands/refuse.h"
#include "src/hypervisor/guest_view.h"
#include "src/store/manifest.h"
#include "src/store/record_text.h"

namespace chrysalis::engine {
namespace {

tl::unexpected<Event> no(Reason reason, std::string message) {
  return tl::unexpected<Event>(refuse(reason, std::move(message)));
}

// MACs and ids of NICs that a boot from kernel and disks gives. NICs that the
// VM has already keep theirs, also the MAC that a load on Firecracker brought:
// the guest's network is configured by them.
void shape_nics(store::VmRecord& record, uint64_t operation) {
  record.nics.resize(record.config.nics);
  for (size_t i = 0; i < record.nics.size(); ++i) {
    store::Nic& nic = record.nics[i];
    if (nic.id.empty()) nic.id = hypervisor::nic_id(i);
    if (nic.mac.empty()) nic.mac = network::make_mac(record.uid, operation, i);
    nic.tap = network::tap_name(record.generation, i);
    if (nic.guest_mac.empty()) nic.guest_mac = nic.mac;
  }
}

void take_config(store::VmRecord& record, const model::VmConfig& config,
                 const model::VmSources& sources, uint64_t operation) {
  record.config = config;
  record.sources = sources;
  if (record.disks.empty())
    record.disks.push_back({hypervisor::disk_id(0), model::disk_file(0),
                            model::DiskRole::kRoot, 0, false});
  record.disks.front().bytes = config.storage.count;
  shape_nics(record, operation);
}

// Of a VM that is made now, by a boot or a clone.
template <class MakesVm>
store::VmRecord& begin_record(Job& job, const MakesVm& request) {
  job.op.facts.power = request.power;
  job.op.facts.first = true;
  store::VmRecord& vm = job.after;
  vm.uid = job.uid;
  vm.ns = request.ns;
  vm.name = request.name;
  vm.generation = 1;
  vm.netns = network::netns_name(job.uid);
  vm.power = request.power;
  return vm;
}

// A first start, or a cold boot, does what was asked for with it.
uint64_t satisfied_attempt(const Request& request) {
  if (const auto* boot = std::get_if<BootRequest>(&request))
    return boot->restart_attempt;
  if (const auto* start = std::get_if<StartRequest>(&request))
    return start->restart_attempt;
  if (const auto* clone = std::get_if<CloneRequest>(&request))
    return clone->restart_attempt;
  return 0;
}

}  // namespace

void NodeHands::take_record(Job& job) {
  const auto record = deps_.db.vm(job.uid);
  if (!record) return;
  job.before = heard_of(*record);
  job.after = job.before;
}

NodeHands::Prepared NodeHands::prepare(const std::string& uid, uint64_t seq,
                                       const Request& request) {
  Job job;
  job.uid = uid;
  job.seq = seq;
  job.request = request;
  job.restart_attempt = satisfied_attempt(request);
  job.boot_id = hypervisor::read_boot_id().value_or("");
  take_record(job);
  job.op = begin(kind_of(request), {}, deps_.clock.mono());
  return std::visit([&](const auto& r) { return prepare(std::move(job), r); },
                    request);
}

NodeHands::Prepared NodeHands::with_record(Job job) {
  if (job.before.uid.empty())
    return no(Reason::kWrongState, "there is no such VM on this node");
  find_facts(job);
  return job;
}

void NodeHands::find_facts(Job& job) {
  const Look now = look(job.uid);
  Facts& facts = job.op.facts;
  facts.alive = held(job.uid).current.exists();
  facts.can_ask = now.live == Live::kRunning || now.live == Live::kShimLost;
  facts.user_paused = now.live == Live::kPaused;
  job.read_back = now.read_back;
}

NodeHands::Prepared NodeHands::prepare(Job job, const BootRequest& request) {
  if (!job.before.uid.empty())
    return no(Reason::kWrongState, "the VM was made before");
  store::VmRecord& vm = begin_record(job, request);
  if (request.config.hypervisor == model::Hypervisor::kCloudHypervisor)
    vm.max_phys_bits = deps_.config.max_phys_bits;
  take_config(vm, request.config, request.sources, job.seq);
  return job;
}

NodeHands::Prepared NodeHands::prepare(Job job, const StartRequest& request) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  if (ready->op.facts.alive)
    return no(Reason::kWrongState, "its VMM is running");
  ready->op.facts.power = request.power;
  ready->after.power = request.power;
  if (request.by_policy) ++ready->after.restarts;
  if (const auto& load = ready->before.pending_load) {
    auto snapshot = staged_snapshot(ready->before);
    if (!snapshot)
      return no(Reason::kSnapshotNotFound,
                "the snapshot that it is to be loaded from is gone: " +
                    snapshot.error().message);
    ready->op = begin(Kind::kClone, ready->op.facts, deps_.clock.mono());
    ready->op.facts.staged = true;
    ready->op.facts.swap_nics =
        hypervisor::capabilities(ready->after.config.hypervisor).swaps_nics &&
        !ready->after.nics.empty();
    ready->snapshot_uid = load->snapshot_uid;
    ready->snapshot = *std::move(snapshot);
    return ready;
  }
  take_config(ready->after, request.config, request.sources, ready->seq);
  return ready;
}

// An older version wrote no such file: then the snapshot must still be there.
Result<store::SnapshotRecord> NodeHands::staged_snapshot(
    const store::VmRecord& record) const {
  const auto file = deps_.paths.generation(record.uid, record.generation)
                        .file(store::kSnapshotRecordFile);
  auto text = read_file(deps_.fs, file, store::Manifest::kMaxBytes);
  if (!text) {
    if (const auto known = deps_.db.snapshot(record.pending_load->snapshot_uid))
      return *known;
    return tl::unexpected(std::move(text).error());
  }
  return store::snapshot_record_from_text(*text);
}

NodeHands::Prepared NodeHands::prepare(Job job, const StopRequest& request) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  ready->op.facts.grace = request.grace;
  ready->op.facts.power = model::PowerState::kStopped;
  if (request.grace == seconds{0}) ready->op.facts.can_ask = false;
  ready->after.power = model::PowerState::kStopped;
  return ready;
}

NodeHands::Prepared NodeHands::prepare_power(Job job, model::PowerState to) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  if (!ready->op.facts.alive) return no(Reason::kWrongState, "it does not run");
  ready->op.facts.power = to;
  ready->after.power = to;
  return ready;
}

NodeHands::Prepared NodeHands::prepare(Job job, const PauseRequest&) {
  return prepare_power(std::move(job), model::PowerState::kPaused);
}

NodeHands::Prepared NodeHands::prepare(Job job, const ResumeRequest&) {
  return prepare_power(std::move(job), model::PowerState::kRunning);
}

NodeHands::Prepared NodeHands::prepare(Job job, const RestartRequest& request) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  ready->attempt = request.attempt;
  if (request.attempt <= ready->before.restart_attempt_done)
    return no(Reason::kAttemptUsed, "restart attempt " +
                                        std::to_string(request.attempt) +
                                        " was done; ask for a higher one");
  ready->op.facts.power = request.power;
  ready->op.facts.grace = request.grace;
  if (request.grace == seconds{0}) ready->op.facts.can_ask = false;
  ready->after.power = request.power;
  ready->after.pending_load.reset();
  take_config(ready->after, request.config, request.sources, ready->seq);
  return ready;
}

NodeHands::Prepared NodeHands::prepare(Job job,
                                       const SnapshotRequest& request) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  ready->snapshot_uid = request.snapshot_uid;
  store::SnapshotRecord& snapshot = ready->snapshot;
  snapshot.uid = request.snapshot_uid;
  snapshot.ns = request.ns;
  snapshot.name = request.name;
  snapshot.source_uid = ready->uid;
  snapshot.disks = ready->before.disks;
  snapshot.cmdline = ready->before.cmdline;
  snapshot.has_initrd = ready->before.has_initrd;
  snapshot.vmm = ready->before.vmm;
  return ready;
}

NodeHands::Prepared NodeHands::prepare(Job job, const CloneRequest& request) {
  if (!job.before.uid.empty())
    return no(Reason::kWrongState, "the VM was made before");
  job.snapshot_uid = request.snapshot_uid;
  store::VmRecord& vm = begin_record(job, request);
  vm.pending_load = store::PendingLoad{request.snapshot_uid, request.on_demand};
  return job;
}

NodeHands::Prepared NodeHands::prepare(Job job, const RestoreRequest& request) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  ready->snapshot_uid = request.snapshot_uid;
  ready->attempt = request.attempt;
  ready->after.generation = ready->before.generation + 1;
  ready->after.guest_reboots_before = ready->after.guest_reboots;
  ready->after.pending_load =
      store::PendingLoad{request.snapshot_uid, request.on_demand};
  return ready;
}

NodeHands::Prepared NodeHands::prepare(Job job,
                                       const DeleteVmRequest& request) {
  auto ready = with_record(std::move(job));
  if (!ready) return ready;
  ready->op.facts.grace = request.grace;
  if (request.grace == seconds{0}) ready->op.facts.can_ask = false;
  return ready;
}

NodeHands::Prepared NodeHands::prepare(Job job,
                                       const DeleteSnapshotRequest& request) {
  job.snapshot_uid = job.uid;
  job.op.facts.retain = request.retain;
  const auto record = deps_.db.snapshot(job.uid);
  if (!record)
    return no(Reason::kSnapshotNotFound,
              "there is no such snapshot on this node");
  job.snapshot = *record;
  return job;
}

NodeHands::Prepared NodeHands::prepare(Job job, const ImportRequest& request) {
  job.snapshot_uid = job.uid;
  job.snapshot.uid = job.uid;
  job.snapshot.ns = request.ns;
  job.snapshot.name = request.name;
  return job;
}

Job NodeHands::prepare_reap(const std::string& uid, uint64_t seq) {
  Job job;
  job.uid = uid;
  job.seq = seq;
  take_record(job);
  Facts facts;
  facts.alive = held(uid).current.exists();
  job.op = begin(Kind::kReap, facts, deps_.clock.mono());
  return job;
}

}  // namespace chrysalis::engine
