#include "src/engine/hands/node_hands.h"

#include <utility>

namespace chrysalis::engine {
namespace {

Happened happened(const Error& error) {
  return error.code == Code::kTimeout ? Happened::kTimedOut : Happened::kFailed;
}

// A better reason than the action's own, where the code tells one.
Reason reason_of(Do what, const Error& error) {
  if (what == Do::kCopyDisks && error.code == Code::kTimeout)
    return Reason::kPauseBudgetExceeded;
  if (error.code == Code::kTimeout) return timeout_of(what);
  // Files that disagree are what a comparison is there to find.
  if (what == Do::kCompare && error.code == Code::kCorrupt)
    return Reason::kTopologyMismatch;
  if (what == Do::kDump && error.code == Code::kUnsupported)
    return Reason::kKvmNestedStateUnavailable;
  if (what == Do::kInspect && error.code == Code::kConflict)
    return Reason::kNicSwapPending;
  if (error.code == Code::kCorrupt) return Reason::kCorrupt;
  // A directory that is none, or that only a newer version can read.
  if (what == Do::kTakeIn && error.code == Code::kInvalid)
    return Reason::kCorrupt;
  if (what == Do::kTakeIn && error.code == Code::kUnsupported)
    return Reason::kSnapshotUnsupported;
  return failure_of(what);
}

Event to_event(Do what, const Result<>& result) {
  if (result) return {};
  return {happened(result.error()), reason_of(what, result.error()),
          result.error().message};
}

}  // namespace

NodeHands::NodeHands(Deps deps)
    : deps_(std::move(deps)), cgroups_(deps_.config.cgroups) {
  for (const auto& record : deps_.db.vms())
    unix_uids_.emplace(record->unix_uid, record->uid);
  (void)reflinks();  // not within the first operation that asks
}
NodeHands::~NodeHands() = default;

NodeHands::Held& NodeHands::held(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  auto& slot = held_[uid];
  if (!slot) slot = std::make_unique<Held>();
  return *slot;
}

void NodeHands::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  reservations_.release(uid);
  held_.erase(uid);
  std::erase_if(unix_uids_, [&](const auto& row) { return row.second == uid; });
}

uint32_t NodeHands::take_unix_uid(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  uint32_t free = deps_.config.first_unix_uid;
  while (!unix_uids_.emplace(free, uid).second) ++free;
  return free;
}

NodeHands::Guest& NodeHands::guest(const Job& job, Which which) {
  Held& h = held(job.uid);
  return which == Which::kNext ? h.next : h.current;
}

// A restore's old VMM is as it was recorded; whatever else acts on one acts
// on the record that is being made true.
const store::VmRecord& NodeHands::record(const Job& job, Which which) const {
  const bool old = which == Which::kCurrent && job.op.kind == Kind::kRestore;
  return old ? job.before : job.after;
}

store::GenerationPaths NodeHands::paths(const Job& job, Which which) const {
  return deps_.paths.generation(job.uid, record(job, which).generation);
}

const hypervisor::Backend& NodeHands::backend(model::Hypervisor kind) const {
  switch (kind) {
    case model::Hypervisor::kCloudHypervisor:
      return deps_.cloud_hypervisor;
    case model::Hypervisor::kFirecracker:
      return deps_.firecracker;
  }
  return deps_.cloud_hypervisor;
}

hypervisor::ShimFiles NodeHands::shim_files(
    const store::GenerationPaths& paths) const {
  return {paths.exit_status(), paths.log(),        paths.shim_socket(),
          paths.console(),     paths.stdin_fifo(), paths.events()};
}

hypervisor::Vmm NodeHands::vmm(const Job& job, Which which) {
  const Guest& g = guest(job, which);
  return {paths(job, which).api_socket(), g.process ? g.process->pidfd() : -1};
}

Event NodeHands::perform(Job& job, const Action& action) {
  const Mono deadline = deps_.clock.mono() + action.deadline;
  if (action.what == Do::kPreflight) return preflight(job);
  if (action.what == Do::kDisarmGuard) return disarm_guard(job, deadline);
  return to_event(action.what, dispatch(job, action, deadline));
}

Result<> NodeHands::dispatch(Job& job, const Action& action, Mono deadline) {
  switch (action.what) {
    case Do::kPreflight:
    case Do::kDisarmGuard:
      return {};  // perform() answers these
    case Do::kStage:
      return stage(job, action.vmm);
    case Do::kNetworkUp:
      return network_up(job, action.vmm);
    case Do::kFlush:
      return flush(job);
    case Do::kSpawn:
      return spawn(job, action.vmm, deadline);
    case Do::kOpenGate:
      return open_gate(job, action.vmm, deadline);
    case Do::kBoot:
      return boot(job);
    case Do::kLoad:
      return load(job, action.vmm);
    case Do::kCompare:
      return compare(job, action.vmm);
    case Do::kSwapNics:
      return {};  // the backend swaps them within the load
    case Do::kPause:
      return pause(job, action.vmm);
    case Do::kResume:
      return resume(job, action.vmm);
    case Do::kArmGuard:
      return arm_guard(job, deadline);
    case Do::kDropGuard:
      (void)disarm_guard(job, deadline);
      return {};
    case Do::kDump:
      return dump(job);
    case Do::kInspect:
      return inspect(job);
    case Do::kCopyDisks:
      return copy_disks(job, deadline);
    case Do::kPublish:
      return publish(job);
    case Do::kDropStaging:
      return drop_staging(job);
    case Do::kSwitchNetwork:
      return switch_network(job, action.vmm);
    case Do::kCheckHealthy:
      return check_healthy(job, action.vmm);
    case Do::kAskGuest:
      return ask_guest(job, deadline);
    case Do::kShutDown:
      return shut_down(job, deadline);
    case Do::kKill:
      return kill(job, action.vmm, deadline);
    case Do::kReadExit:
      return read_exit(job);
    case Do::kNetworkDown:
      return network_down(job, action.vmm);
    case Do::kRemoveGeneration:
      return remove_generation(job, action.vmm);
    case Do::kRemoveVm:
      return remove_vm(job);
    case Do::kRemoveSnapshot:
      return remove_snapshot(job, false);
    case Do::kRetainSnapshot:
      return remove_snapshot(job, true);
    case Do::kTakeIn:
      return take_in(job);
  }
  return {};
}

}  // namespace chrysalis::engine
