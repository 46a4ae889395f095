// A restore in place: whose turn it is (attempts.h), and what stands in its
// way before the engine is asked.

#include "controller/reconcile/refused_spec.h"
#include "controller/reconcile/vm/attempts.h"
#include "controller/reconcile/vm/choice.h"
#include "controller/reconcile/vm/named_snapshot.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using engine::Reason;

Hindrance refused(Hindrance hindrance) {
  hindrance.refused = hindrance.stalls();
  return hindrance;
}

bool is_foreign(const VmObserved& observed) {
  return observed.snapshot->view.record->source_uid != observed.vm->meta.uid;
}

// What this VM and that snapshot have against each other.
std::optional<Hindrance> mismatch(const VmObserved& observed) {
  const api::VmSpec& spec = observed.vm->spec;
  const store::VmRecord& record = *observed.view.record;
  const store::SnapshotRecord& snapshot = *observed.snapshot->view.record;
  model::Recorded target{record.config, record.sources};
  // How many it really has: an older version may have recorded another number.
  if (observed.view.read_back)
    target.config.nics = observed.view.read_back->nics;
  const model::Assembled assembled =
      model::assemble_restore(spec.wish, target, snapshot.config);
  if (!assembled.ok())
    return refused_config(assembled, snapshot.config, &target.config);
  if (is_foreign(observed) && !spec.restore->allow_foreign)
    return stalls(Reason::kForeignSnapshot,
                  "VMSnapshot " + spec.restore->snapshot +
                      " was not taken of this VM; set allowForeign to "
                      "restore it all the same");
  return std::nullopt;
}

// Its target must be up, or have ended by itself. One that is being started
// or stopped says nothing: its turn comes.
bool may_replace(Live live) {
  switch (live) {
    case Live::kRunning:
    case Live::kPaused:
    case Live::kShimLost:
    case Live::kEnded:
      return true;
    case Live::kAbsent:
    case Live::kStarting:
    case Live::kStopping:
    case Live::kStopped:
      return false;
  }
  return false;
}

std::optional<Hindrance> target_stopped(const api::VmSpec& spec) {
  if (spec.power != model::PowerState::kStopped) return std::nullopt;
  return waits(Reason::kTargetStopped,
               "the restore waits until the VM is asked to run");
}

// A former agent asked for this very restore and was refused for good. Only
// status remembers; believing it costs nothing, as a refusal touches nothing
// and another spec or snapshot is another request.
std::optional<Hindrance> refused_before(const VmObserved& observed) {
  const api::VirtualMachine& vm = *observed.vm;
  const auto& told = vm.status.restore;
  const auto* succeeded = api::find_condition(vm.status.conditions,
                                              ConditionType::kRestoreSucceeded);
  if (!told || succeeded == nullptr ||
      told->result != api::RestoreVerdict::kRefused ||
      told->attempt != vm.spec.restore->attempt ||
      told->snapshot != vm.spec.restore->snapshot ||
      told->snapshot_uid != observed.snapshot->view.uid ||
      succeeded->observed_generation != vm.meta.generation)
    return std::nullopt;
  const auto reason = engine::parse_reason(told->reason);
  if (!reason || retry_of(*reason) != Retry::kNever) return std::nullopt;
  return refused(stalls(told->reason, told->message));
}

void choose_due(Choice& choice, const VmObserved& observed, Wall now) {
  const api::VirtualMachine& vm = *observed.vm;
  const api::RestoreSpec& spec = *vm.spec.restore;
  choice.restore_due = true;
  if (is_out_of_sight(observed)) wake(choice, now + kLookAgain);
  auto hindrance = refused_spec(vm);
  if (!hindrance)
    hindrance = snapshot_lacks(
        observed, {spec.snapshot, spec.manifest_digest, spec.on_demand});
  if (!hindrance) hindrance = mismatch(observed);
  if (!hindrance) hindrance = target_stopped(vm.spec);
  if (!hindrance && !choice.memory.restore.asked)
    hindrance = refused_before(observed);
  if (hindrance) {
    choice.restore = refused(*std::move(hindrance));
    return;
  }
  if (!may_replace(observed.view.live)) return;
  engine::RestoreRequest request;
  request.snapshot_uid = observed.snapshot->view.uid;
  request.attempt = spec.attempt;
  request.on_demand = spec.on_demand;
  request.allow_foreign = spec.allow_foreign;
  request.manifest_digest = spec.manifest_digest;
  request.wish = vm.spec.wish;
  const Asked asked{Kind::kRestore, vm.meta.generation, spec.attempt,
                    request.snapshot_uid};
  ask_for(choice, std::move(request), asked, now);
  choice.foreign = choice.request.has_value() && is_foreign(observed);
}

}  // namespace

void choose_restore(Choice& choice, const VmObserved& observed, Wall now) {
  const auto& asked = observed.vm->spec.restore;
  const store::VmRecord& record = *observed.view.record;
  switch (restore_turn(asked, &record)) {
    case RestoreTurn::kNotAsked:
    case RestoreTurn::kFinished:
      return;
    case RestoreTurn::kUsed:
      choice.restore = refused(
          stalls(Reason::kAttemptUsed,
                 attempt_used(asked->attempt, record.restore_attempt_done)));
      return;
    case RestoreTurn::kNewVm:
      choice.restore =
          refused(stalls(StatusReason::kRestoreOfNewVm, restore_of_new_vm()));
      return;
    case RestoreTurn::kDue:
      return choose_due(choice, observed, now);
  }
}

}  // namespace chrysalis::reconcile
