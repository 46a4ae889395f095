#include "tests/fakes/engine/played_vm.h"

#include <utility>

#include "src/model/inherit.h"

namespace chrysalis {

using engine::Kind;
using engine::Live;
using model::PowerState;

engine::VmView PlayedVm::view(const std::string& uid) const {
  engine::VmView out;
  out.uid = uid;
  if (record) out.record = std::make_shared<store::VmRecord>(*record);
  out.live = live;
  out.exit = exit;
  out.running = running;
  out.last = last;
  out.read_back = read_back;
  return out;
}

void PlayedVm::begin(const engine::Request& request, Wall now) {
  const Kind kind = kind_of(request);
  running = engine::InFlight{kind, "Queued", now, 0, ""};
  if (const auto* restore = std::get_if<engine::RestoreRequest>(&request)) {
    running->attempt = restore->attempt;
    running->snapshot_uid = restore->snapshot_uid;
  }
  if (const auto* restart = std::get_if<engine::RestartRequest>(&request))
    running->attempt = restart->attempt;
  if (const auto* snapshot = std::get_if<engine::SnapshotRequest>(&request))
    running->snapshot_uid = snapshot->snapshot_uid;
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kClone:
      live = Live::kStarting;
      break;
    case Kind::kStop:
    case Kind::kRestart:
    case Kind::kDeleteVm:
      live = Live::kStopping;
      break;
    default:
      break;
  }
}

void PlayedVm::end(bool ok, engine::Reason reason, bool refused,
                   std::string message, Wall now) {
  engine::Outcome outcome;
  outcome.kind = running->kind;
  outcome.attempt = running->attempt;
  outcome.snapshot_uid = running->snapshot_uid;
  outcome.ok = ok;
  outcome.refused = refused;
  outcome.reason = reason;
  outcome.message = std::move(message);
  outcome.started = running->since;
  outcome.finished = now;
  last = outcome;
  running.reset();
}

namespace {

struct Effect {
  PlayedVm& vm;
  const std::string& uid;
  const store::SnapshotRecord* snapshot;
  Wall now;

  void up(PowerState power) const {
    vm.live = power == PowerState::kRunning  ? Live::kRunning
              : power == PowerState::kPaused ? Live::kPaused
                                             : Live::kStopped;
    vm.record->power = power;
    vm.exit.reset();
    vm.read_back.reset();
    if (power == PowerState::kStopped) return;
    vm.record->first_booted = true;
    vm.record->pending_load.reset();
    vm.record->started_at = now;
    vm.record->vmm.version = "v53";
    vm.read_back = vm.record->config;
  }
  void satisfy(uint64_t attempt, PowerState power) const {
    if (attempt != 0 && power != PowerState::kStopped)
      vm.record->restart_attempt_done = attempt;
  }
  void make(const std::string& ns, const std::string& name) const {
    vm.record = std::make_shared<store::VmRecord>();
    vm.record->uid = uid;
    vm.record->ns = ns;
    vm.record->name = name;
    vm.record->nics.push_back({"net0", "tap", "02:00:00:00:00:01", ""});
  }
  void inherit() const {
    vm.record->inherited = store::Inherited{snapshot->name, snapshot->uid,
                                            snapshot->manifest_digest};
  }

  void operator()(const engine::BootRequest& r) const {
    make(r.ns, r.name);
    vm.record->config = r.config;
    vm.record->config.image_digest = "sha256:image";
    vm.record->sources = r.sources;
    up(r.power);
    satisfy(r.restart_attempt, r.power);
  }
  void operator()(const engine::CloneRequest& r) const {
    make(r.ns, r.name);
    const auto clone = model::assemble_clone(r.wish, snapshot->config);
    vm.record->config = clone.config;
    vm.record->sources = clone.sources;
    inherit();
    vm.record->pending_load = store::PendingLoad{snapshot->uid, r.on_demand};
    up(r.power);
    satisfy(r.restart_attempt, r.power);
  }
  void operator()(const engine::StartRequest& r) const {
    vm.record->config = r.config;
    vm.record->sources = r.sources;
    if (r.by_policy) ++vm.record->restarts;
    satisfy(r.restart_attempt, r.power);
    up(r.power);
  }
  void operator()(const engine::RestartRequest& r) const {
    vm.record->config = r.config;
    vm.record->sources = r.sources;
    vm.record->restart_attempt_done = r.attempt;
    up(r.power);
  }
  void operator()(const engine::StopRequest&) const {
    up(PowerState::kStopped);
  }
  void operator()(const engine::PauseRequest&) const {
    vm.live = Live::kPaused;
    vm.record->power = PowerState::kPaused;
  }
  void operator()(const engine::ResumeRequest&) const {
    vm.live = Live::kRunning;
    vm.record->power = PowerState::kRunning;
  }
  void operator()(const engine::RestoreRequest& r) const {
    const auto merged = model::assemble_restore(
        r.wish, {vm.record->config, vm.record->sources}, snapshot->config);
    vm.record->config = merged.config;
    vm.record->sources = merged.sources;
    inherit();
    up(vm.record->power);
  }
  void operator()(const engine::DeleteVmRequest&) const {
    vm.record.reset();
    vm.live = Live::kAbsent;
    vm.read_back.reset();
    vm.exit.reset();
  }
  void operator()(const engine::SnapshotRequest&) const {}
  void operator()(const engine::DeleteSnapshotRequest&) const {}
  void operator()(const engine::ImportRequest&) const {}
};

}  // namespace

void PlayedVm::take_effect(const std::string& uid,
                           const engine::Request& request,
                           const store::SnapshotRecord* snapshot, Wall now) {
  std::visit(Effect{*this, uid, snapshot, now}, request);
  if (const auto* restore = std::get_if<engine::RestoreRequest>(&request))
    remember_restore(*restore, snapshot->name, store::RestoreResult::kSucceeded,
                     "", "", now);
}

void PlayedVm::remember_restore(const engine::RestoreRequest& request,
                                const std::string& snapshot,
                                store::RestoreResult result, std::string reason,
                                std::string message, Wall now) {
  record->restore_attempt_done = request.attempt;
  store::LastRestore done;
  done.snapshot = snapshot;
  done.snapshot_uid = request.snapshot_uid;
  done.attempt = request.attempt;
  done.result = result;
  done.reason = std::move(reason);
  done.message = std::move(message);
  done.started_at = last->started;
  done.finished_at = now;
  record->restore = done;
}

void PlayedVm::fall_back(Kind kind) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kClone:
      live = Live::kAbsent;
      break;
    case Kind::kStart:
    case Kind::kRestart:
      live = exit ? Live::kEnded : Live::kStopped;
      read_back.reset();
      break;
    case Kind::kStop:
    case Kind::kDeleteVm:
      live = Live::kRunning;
      break;
    default:
      break;
  }
}

void PlayedVm::guest_ends(bool clean, int code, Wall now) {
  exit = engine::ExitView{now, clean ? "GuestPoweredOff" : "VmmKilled", code,
                          clean};
  record->last_exit = store::Exit{now, exit->reason, code};
  live = Live::kEnded;
  read_back.reset();
}

}  // namespace chrysalis
