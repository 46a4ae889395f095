#include "controller/reconcile/snapshot/plan.h"

#include <utility>

#include "controller/reconcile/refused_spec.h"
#include "controller/reconcile/snapshot/status.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Reason;

// The lane of the VM works at this very snapshot.
bool is_being_captured(const SnapshotObserved& observed) {
  const auto& flight = observed.source_view.running;
  return flight && flight->kind == Kind::kSnapshot &&
         flight->snapshot_uid == observed.snapshot->meta.uid;
}

void ask_for(SnapshotChoice& choice, engine::Request request, std::string lane,
             const Asked& asked, Wall now) {
  if (const Failure* failure = choice.memory.power.failed(asked)) {
    const bool terminal = retry_of(failure->reason) == Retry::kNever;
    choice.hindrance = terminal ? stalls(failure->reason, failure->message)
                                : waits(failure->reason, failure->message);
    const auto again = next_try(*failure);
    if (!again) return;
    if (now < *again) {
      choice.wake_at = again;
      return;
    }
  } else {
    choice.doing = asked.kind;
  }
  ask(choice.memory, asked);
  choice.memory.lane = lane;
  choice.lane = std::move(lane);
  choice.request = std::move(request);
}

// It was ready, or it failed for good: neither is ever undone. For a failure
// only status remembers.
std::optional<Hindrance> decided_before(const SnapshotObserved& observed) {
  const api::SnapshotStatus& told = observed.snapshot->status;
  if (told.ready_to_use == true)
    return stalls(Reason::kSnapshotNotFound,
                  "it was ready, and its files are not on this node any more");
  const auto* why = stalled(told.conditions);
  if (told.phase == api::SnapshotPhase::kFailed && why != nullptr)
    return stalls(why->reason, why->message);
  return std::nullopt;
}

void choose_capture(SnapshotChoice& choice, const SnapshotObserved& observed,
                    Wall now) {
  const api::VmSnapshot& snapshot = *observed.snapshot;
  const std::string called = "VirtualMachine " + snapshot.spec.virtual_machine;
  if (!observed.source) {
    choice.hindrance = waits(StatusReason::kSourceNotFound,
                             "there is no " + called + " on this node");
    choice.wake_at = now + kLookAgain;
    return;
  }
  // Its lane is busy: what it will be is not known yet.
  if (observed.source_view.running || observed.source_view.adopting) {
    choice.quiet = true;
    return;
  }
  // Without its shim it is up: the engine says what it thinks of that.
  if (!is_up(observed.source_view.live)) {
    choice.hindrance =
        waits(Reason::kSourceNotRunning, called + " does not run");
    return;
  }
  const std::string& vm_uid = observed.source->meta.uid;
  ask_for(choice,
          engine::SnapshotRequest{snapshot.meta.uid, snapshot.meta.ns,
                                  snapshot.meta.name},
          vm_uid,
          {Kind::kSnapshot, snapshot.meta.generation, 0, snapshot.meta.uid},
          now);
}

void choose_import(SnapshotChoice& choice, const SnapshotObserved& observed,
                   Wall now) {
  const api::VmSnapshot& snapshot = *observed.snapshot;
  ask_for(choice,
          engine::ImportRequest{snapshot.meta.ns, snapshot.meta.name,
                                snapshot.spec.directory->name},
          snapshot.meta.uid,
          {Kind::kImport, snapshot.meta.generation, 0, snapshot.meta.uid}, now);
}

SnapshotChoice choose(const SnapshotObserved& observed, Wall now) {
  SnapshotChoice choice;
  choice.memory = observed.memory;
  if (observed.view.ready) return choice;
  if (auto decided = decided_before(observed)) {
    choice.hindrance = std::move(decided);
    return choice;
  }
  const bool import = observed.snapshot->spec.directory.has_value();
  if (observed.view.running || is_being_captured(observed)) {
    choice.quiet =
        choice.memory.power.awaited && choice.memory.power.failure.has_value();
    if (!choice.quiet) choice.doing = import ? Kind::kImport : Kind::kSnapshot;
    return choice;
  }
  choice.hindrance = refused_spec(*observed.snapshot);
  if (choice.hindrance) return choice;
  import ? choose_import(choice, observed, now)
         : choose_capture(choice, observed, now);
  return choice;
}

SnapshotChoice choose_deletion(const SnapshotObserved& observed, Wall now) {
  SnapshotChoice choice;
  choice.memory = observed.memory;
  const api::VmSnapshot& snapshot = *observed.snapshot;
  const bool retain =
      snapshot.spec.deletion_policy == api::DeletionPolicy::kRetain &&
      observed.view.ready;
  ask_for(
      choice, engine::DeleteSnapshotRequest{retain}, snapshot.meta.uid,
      {Kind::kDeleteSnapshot, snapshot.meta.generation, 0, snapshot.meta.uid},
      now);
  return choice;
}

void tell(SnapshotPlan& plan, const SnapshotObserved& observed,
          api::SnapshotStatus status) {
  const api::SnapshotStatus& before = observed.snapshot->status;
  if (same_status(before, status)) return;
  if (auto note = transition(before.conditions, status.conditions,
                             ConditionType::kReady, "Reconcile"))
    plan.events.push_back(*std::move(note));
  plan.status = std::move(status);
}

void take(SnapshotPlan& plan, SnapshotChoice& choice) {
  plan.request = std::move(choice.request);
  plan.lane = std::move(choice.lane);
  plan.wake_at = choice.wake_at;
  plan.memory = choice.memory;
}

SnapshotPlan plan_deletion(const SnapshotObserved& observed, Wall now) {
  SnapshotPlan plan;
  plan.memory = observed.memory;
  if (!observed.snapshot->meta.has_finalizer(observed.node.finalizer))
    return plan;
  const bool busy = observed.view.running || is_being_captured(observed);
  if (!observed.view.record && !busy) {
    plan.finalizer = Finalizer::kRemove;
    return plan;
  }
  SnapshotChoice choice = choose_deletion(observed, now);
  if (!busy) take(plan, choice);
  tell(plan, observed, deleting_status(observed, choice, now));
  return plan;
}

}  // namespace

std::string lane_to_watch(const Memory& memory,
                          const api::VirtualMachine* source) {
  const Try& last = memory.power;
  if (last.awaited && last.asked->kind == Kind::kSnapshot) return memory.lane;
  return source == nullptr ? "" : source->meta.uid;
}

SnapshotPlan plan(const SnapshotObserved& given, Wall now) {
  SnapshotObserved observed = given;
  settle(observed.memory,
         observed.view.running.has_value() || is_being_captured(observed),
         observed.view.last);
  const api::VmSnapshot& snapshot = *observed.snapshot;
  SnapshotPlan plan;
  plan.memory = observed.memory;
  if (!is_ours(snapshot.meta, snapshot.status.node_name, observed.node))
    return plan;
  if (snapshot.meta.deleted_at) return plan_deletion(observed, now);
  if (!snapshot.meta.has_finalizer(observed.node.finalizer)) {
    plan.finalizer = Finalizer::kAdd;
    return plan;
  }
  SnapshotChoice choice = choose(observed, now);
  take(plan, choice);
  if (choice.quiet &&
      snapshot.status.observed_generation == snapshot.meta.generation)
    return plan;
  tell(plan, observed, snapshot_status(observed, choice, now));
  return plan;
}

}  // namespace chrysalis::reconcile
