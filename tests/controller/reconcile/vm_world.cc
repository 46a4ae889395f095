#include "tests/controller/reconcile/vm_world.h"

#include <gtest/gtest.h>

#include <utility>

#include "controller/reconcile/conditions.h"

namespace chrysalis::reconcile {

using engine::Kind;
using engine::Live;
using model::PowerState;

NamedSnapshot make_snapshot(const std::string& name, const std::string& uid,
                            const std::string& source_uid) {
  auto object = std::make_shared<api::VmSnapshot>();
  object->meta.ns = "ns";
  object->meta.name = name;
  object->meta.uid = uid;
  object->status.node_name = "node-a";
  object->status.ready_to_use = true;
  auto record = std::make_shared<store::SnapshotRecord>();
  record->uid = uid;
  record->name = name;
  record->source_uid = source_uid;
  model::VmWish wish;
  wish.cpu = 3;
  wish.image = "img";
  record->config = model::assemble_first_boot(wish, {"net-a", "d", "t"}).config;
  record->manifest_digest = "sha256:" + uid;
  record->ready = true;
  NamedSnapshot out;
  out.object = object;
  out.view.uid = uid;
  out.view.record = record;
  out.view.ready = true;
  return out;
}

VmWorld::VmWorld() {
  vm.meta.ns = "ns";
  vm.meta.name = "vm";
  vm.meta.uid = "vm-uid";
  vm.meta.generation = 1;
  vm.spec.wish.image = "img";
  vm.status.node_name = "node-a";
  node = {"node-a",
          "chrysalis.dev/node-a",
          "net-a",
          {{model::Hypervisor::kCloudHypervisor, "v53", engine::Reason::kNone},
           {model::Hypervisor::kFirecracker, "v1.16", engine::Reason::kNone}}};
}

VmObserved VmWorld::observe() const {
  VmObserved out;
  out.vm = std::make_shared<api::VirtualMachine>(vm);
  out.view.uid = vm.meta.uid;
  if (record) out.view.record = std::make_shared<store::VmRecord>(*record);
  out.view.live = live;
  out.view.exit = exit;
  out.view.running = running;
  out.view.last = last;
  out.view.read_back = read_back;
  const auto name = snapshot_needed(vm, out.view);
  if (name) out.snapshot = snapshot.value_or(NamedSnapshot{});
  out.node = node;
  out.memory = memory;
  return out;
}

bool VmWorld::step() {
  VmPlan planned = look();
  memory = planned.memory;
  EXPECT_LE(planned.events.size(), 2U);
  if (planned.finalizer) {
    EXPECT_FALSE(planned.request);
    ++finalizer_writes;
    if (*planned.finalizer == Finalizer::kAdd)
      vm.meta.finalizers.push_back(node.finalizer);
    else
      vm.meta.finalizers.clear();
    return true;
  }
  const bool any = planned.request || planned.status;
  if (planned.request) begin(*planned.request);
  if (planned.status) {
    ++status_writes;
    EXPECT_FALSE(same_status(*planned.status, vm.status));
    vm.status = *planned.status;
    events.insert(events.end(), planned.events.begin(), planned.events.end());
  }
  return any;
}

void VmWorld::run() {
  for (int n = 0; n < 20; ++n)
    if (!step()) return;
  ADD_FAILURE() << "20 plans and no rest";
}

void VmWorld::begin(const engine::Request& request) {
  EXPECT_FALSE(running) << "asked while one is in flight";
  const Kind kind = kind_of(request);
  asked.push_back(kind);
  in_flight = request;
  running = engine::InFlight{kind, "Queued", now, 0, ""};
  if (const auto* restore = std::get_if<engine::RestoreRequest>(&request)) {
    running->attempt = restore->attempt;
    running->snapshot_uid = restore->snapshot_uid;
  }
  if (const auto* restart = std::get_if<engine::RestartRequest>(&request))
    running->attempt = restart->attempt;
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

void VmWorld::end(bool ok, engine::Reason reason, bool refused,
                  std::string message) {
  ASSERT_TRUE(running);
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
  VmWorld& w;

  void up(PowerState power) const {
    w.live = power == PowerState::kRunning  ? Live::kRunning
             : power == PowerState::kPaused ? Live::kPaused
                                            : Live::kStopped;
    w.record->power = power;
    w.exit.reset();
    w.read_back.reset();
    if (power == PowerState::kStopped) return;
    w.record->first_booted = true;
    w.record->pending_load.reset();
    w.record->started_at = w.now;
    w.record->vmm.version = "v53";
    w.read_back = w.record->config;
  }
  void satisfy(uint64_t attempt, PowerState power) const {
    if (attempt != 0 && power != PowerState::kStopped)
      w.record->restart_attempt_done = attempt;
  }

  void operator()(const engine::BootRequest& r) const {
    w.record = std::make_shared<store::VmRecord>();
    w.record->uid = w.vm.meta.uid;
    w.record->config = r.config;
    w.record->config.image_digest = "sha256:image";
    w.record->sources = r.sources;
    w.record->nics.push_back({"net0", "tap", "02:00:00:00:00:01", ""});
    up(r.power);
    satisfy(r.restart_attempt, r.power);
  }
  void operator()(const engine::CloneRequest& r) const {
    w.record = std::make_shared<store::VmRecord>();
    w.record->uid = w.vm.meta.uid;
    const auto& theirs = *w.snapshot->view.record;
    const auto clone = model::assemble_clone(r.wish, theirs.config);
    w.record->config = clone.config;
    w.record->sources = clone.sources;
    w.record->inherited =
        store::Inherited{theirs.name, theirs.uid, theirs.manifest_digest};
    w.record->pending_load = store::PendingLoad{theirs.uid, r.on_demand};
    up(r.power);
    satisfy(r.restart_attempt, r.power);
  }
  void operator()(const engine::StartRequest& r) const {
    w.record->config = r.config;
    w.record->sources = r.sources;
    if (r.by_policy) ++w.record->restarts;
    satisfy(r.restart_attempt, r.power);
    up(r.power);
  }
  void operator()(const engine::RestartRequest& r) const {
    w.record->config = r.config;
    w.record->sources = r.sources;
    w.record->restart_attempt_done = r.attempt;
    up(r.power);
  }
  void operator()(const engine::StopRequest&) const {
    up(PowerState::kStopped);
  }
  void operator()(const engine::PauseRequest&) const {
    w.live = Live::kPaused;
    w.record->power = PowerState::kPaused;
  }
  void operator()(const engine::ResumeRequest&) const {
    w.live = Live::kRunning;
    w.record->power = PowerState::kRunning;
  }
  void operator()(const engine::RestoreRequest& r) const {
    const auto& theirs = *w.snapshot->view.record;
    const auto merged = model::assemble_restore(
        r.wish, {w.record->config, w.record->sources}, theirs.config);
    w.record->config = merged.config;
    w.record->sources = merged.sources;
    w.record->inherited =
        store::Inherited{theirs.name, theirs.uid, theirs.manifest_digest};
    up(w.record->power);
  }
  void operator()(const engine::DeleteVmRequest&) const {
    w.record.reset();
    w.live = Live::kAbsent;
    w.read_back.reset();
    w.exit.reset();
  }
  void operator()(const engine::SnapshotRequest&) const {}
  void operator()(const engine::DeleteSnapshotRequest&) const {}
  void operator()(const engine::ImportRequest&) const {}
};

// What the record remembers of a restore that ended.
void remember(VmWorld& w, store::RestoreResult result, std::string reason,
              std::string message) {
  const auto& request = std::get<engine::RestoreRequest>(*w.in_flight);
  w.record->restore_attempt_done = request.attempt;
  store::LastRestore done;
  done.snapshot = w.snapshot->view.record->name;
  done.snapshot_uid = request.snapshot_uid;
  done.attempt = request.attempt;
  done.result = result;
  done.reason = std::move(reason);
  done.message = std::move(message);
  done.started_at = w.last->started;
  done.finished_at = w.now;
  w.record->restore = done;
}

}  // namespace

void VmWorld::succeed() {
  // Odd times: status must not depend on more than whole seconds.
  now += milliseconds{1'337};
  end(true, engine::Reason::kNone, false, "");
  std::visit(Effect{*this}, *in_flight);
  if (std::holds_alternative<engine::RestoreRequest>(*in_flight))
    remember(*this, store::RestoreResult::kSucceeded, "", "");
  run();
}

void VmWorld::fail(engine::Reason reason, bool refused, std::string message) {
  now += milliseconds{1'337};
  const Kind kind = running->kind;
  end(false, reason, refused, std::move(message));
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
  run();
}

void VmWorld::roll_back(engine::Reason reason) {
  now += milliseconds{1'337};
  end(false, reason, false, "it did not load");
  last->restore = engine::RestoreResult::kRolledBack;
  remember(*this, store::RestoreResult::kRolledBack,
           std::string(to_string(reason)), "it did not load");
  run();
}

void VmWorld::interrupt() {
  now += seconds{3};
  end(false, engine::Reason::kInterrupted, false, "");
  new_agent();
  run();
}

void VmWorld::boot() {
  run();
  ASSERT_TRUE(running);
  succeed();
  ASSERT_TRUE(is_up(live));
}

void VmWorld::guest_ends(bool clean, int code) {
  exit = engine::ExitView{now, clean ? "GuestPoweredOff" : "VmmKilled", code,
                          clean};
  record->last_exit = store::Exit{now, exit->reason, code};
  live = Live::kEnded;
  read_back.reset();
  run();
}

std::string VmWorld::condition(std::string_view type) const {
  const auto* found = api::find_condition(vm.status.conditions, type);
  if (found == nullptr) return "-";
  const std::string status = found->status == api::Truth::kTrue    ? "True"
                             : found->status == api::Truth::kFalse ? "False"
                                                                   : "Unknown";
  return status + "/" + found->reason;
}

std::string VmWorld::phase() const {
  static constexpr const char* kNames[] = {
      "Pending", "Starting",  "Running",   "Paused", "Stopping",
      "Stopped", "Restoring", "Succeeded", "Failed", "Unknown"};
  return vm.status.phase ? kNames[static_cast<size_t>(*vm.status.phase)] : "-";
}

// The order of cli-utils' kstatus.
std::string VmWorld::kstatus() const {
  const auto is = [&](std::string_view type, api::Truth status) {
    const auto* found = api::find_condition(vm.status.conditions, type);
    return found != nullptr && found->status == status;
  };
  if (vm.meta.deleted_at) return "Terminating";
  if (vm.status.observed_generation != vm.meta.generation) return "InProgress";
  if (is(condition::kReconciling, api::Truth::kTrue)) return "InProgress";
  if (is(condition::kStalled, api::Truth::kTrue)) return "Failed";
  return is(condition::kReady, api::Truth::kTrue) ? "Current" : "InProgress";
}

}  // namespace chrysalis::reconcile
