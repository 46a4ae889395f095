// Every check before anything is touched: of boots, snapshots and removals.

#include "src/engine/hands/node_hands.h"
#include "src/engine/hands/refuse.h"
#include "src/model/law.h"

namespace chrysalis::engine {
Event NodeHands::preflight(Job& job) {
  switch (job.op.kind) {
    case Kind::kBoot:
      return preflight_first_boot(job);
    case Kind::kStart:
    case Kind::kRestart:
      return preflight_cold_boot(job);
    case Kind::kClone:
      return preflight_clone(job);
    case Kind::kRestore:
      return preflight_restore(job);
    case Kind::kSnapshot:
      return preflight_snapshot(job);
    case Kind::kDeleteSnapshot:
      return preflight_delete_snapshot(job);
    case Kind::kImport:
      return preflight_import(job);
    case Kind::kStop:
    case Kind::kPause:
    case Kind::kResume:
    case Kind::kDeleteVm:
    case Kind::kReap:
      break;
  }
  return {};
}

Event NodeHands::use_network(store::VmRecord& record) {
  const auto network = deps_.networks.find(record.config.network);
  if (!network)
    return refuse(Reason::kNetworkNotFound, network.error().message);
  record.mtu = network->mtu;
  return {};
}

Event NodeHands::use_configured_program(store::VmRecord& record) {
  const auto binary = deps_.binaries.configured(record.config.hypervisor);
  if (!binary) return refuse(Reason::kBinaryMissing, binary.error().message);
  record.vmm = binary->vmm;
  return {};
}

Event NodeHands::preflight_first_boot(Job& job) {
  store::VmRecord& vm = job.after;
  if (const auto faults = model::validate(vm.config); !faults.empty())
    return refuse(Reason::kInvalidConfig, model::join(faults));
  auto image = deps_.images.resolve(vm.config.image);
  if (!image)
    return refuse(image.error().code == Code::kNotFound ? Reason::kImageNotFound
                                                        : Reason::kImageInvalid,
                  image.error().message);
  if (image->disk_bytes > vm.config.storage.count)
    return refuse(Reason::kInvalidConfig,
                  "spec.resources.storage: the image's disk needs " +
                      model::format_quantity({image->disk_bytes}) +
                      "; ask for as much");
  if (auto event = use_network(vm); event.what != Happened::kDone) return event;
  if (auto event = use_configured_program(vm); event.what != Happened::kDone)
    return event;
  if (auto event = reserve_first_boot(job, *image);
      event.what != Happened::kDone)
    return event;
  vm.config.image_digest = image->digest;
  vm.config.image_type = image->has_disk() ? "disk" : "kernel";
  vm.sources.image_digest = vm.sources.image_type = model::Source::kGenerated;
  vm.cmdline = image->cmdline;
  vm.has_initrd = image->has_initrd();
  vm.unix_uid = take_unix_uid(vm.uid);
  held(job.uid).image = std::move(*image);
  job.outcomes.emplace_back(vm);
  return {};
}

// The files lie in the generation; the program is the one configured now.
Event NodeHands::preflight_cold_boot(Job& job) {
  store::VmRecord& vm = job.after;
  if (const auto faults = model::validate(vm.config); !faults.empty())
    return refuse(Reason::kInvalidConfig, model::join(faults));
  if (auto event = use_network(vm); event.what != Happened::kDone) return event;
  if (auto event = reserve_cold_boot(job); event.what != Happened::kDone)
    return event;
  return use_configured_program(vm);
}

Event NodeHands::preflight_snapshot(Job& job) {
  if (const auto known = deps_.db.snapshot(job.snapshot_uid);
      known && known->ready)
    return refuse(Reason::kWrongState, "it was taken already");
  Held& h = held(job.uid);
  if (!h.current.process || h.current.process->ended())
    return refuse(Reason::kSourceNotRunning, "the VM does not run");
  if (h.current.process->shim_lost())
    return refuse(Reason::kShimLost,
                  "the VM's shim is gone; it can be snapshotted again after "
                  "its next cold boot");
  const auto binary =
      deps_.binaries.kept(job.before.config.hypervisor, job.before.vmm);
  if (!binary) return refuse(Reason::kBinaryMissing, binary.error().message);
  if (binary->no_snapshot != Reason::kNone)
    return refuse(binary->no_snapshot, "this VMM can take no snapshot here");
  if (const size_t left = heard_of(job.before).ejecting.size(); left != 0)
    return refuse(Reason::kNicSwapPending,
                  "the guest has not let go of " + std::to_string(left) +
                      " replaced network interfaces yet");
  if (const auto pause = estimated_pause(job); pause > deps_.config.max_pause)
    return refuse(Reason::kPauseBudgetExceeded,
                  "the pause is estimated at " + std::to_string(pause.count()) +
                      " ms, above the " +
                      std::to_string(deps_.config.max_pause.count()) +
                      " ms allowed");
  if (auto event = reserve_snapshot(job); event.what != Happened::kDone)
    return event;
  const Look now = look(job.uid);
  if (now.live != Live::kRunning && now.live != Live::kPaused)
    return refuse(Reason::kSourceNotRunning, "the VM does not run");
  job.snapshot.config = now.read_back.value_or(job.before.config);
  job.outcomes.emplace_back(job.snapshot);
  return {};
}

Event NodeHands::preflight_delete_snapshot(Job& job) {
  for (const auto& hold : deps_.db.holds(job.uid))
    if (hold->until > deps_.clock.wall())
      return refuse(Reason::kSnapshotHeld,
                    "a clone is being staged from it: " + hold->holder);
  return {};
}

Event NodeHands::preflight_import(Job& job) {
  if (const auto known = deps_.db.snapshot(job.uid); known && known->ready)
    return refuse(Reason::kWrongState, "it was taken in already");
  return reserve_import(job);
}

}  // namespace chrysalis::engine
