// The conditions of a VirtualMachine. Ready says whether it is as asked;
// Reconciling, Stalled and RestartRequired stand only while true.

#include "controller/reconcile/conditions.h"

#include "controller/reconcile/vm/attempts.h"
#include "controller/reconcile/vm/status.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using api::Truth;
using engine::Kind;
using engine::Live;

struct Said {
  Truth status = Truth::kUnknown;
  Word reason = StatusReason::kInProgress;
  std::string message;
};

void set(Conditions& conditions, ConditionType type, const Said& said) {
  conditions.set(type, said.status, said.reason, said.message);
}

StatusReason verb(Kind kind) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kClone:
      return StatusReason::kStarting;
    case Kind::kStop:
      return StatusReason::kStopping;
    case Kind::kPause:
      return StatusReason::kPausing;
    case Kind::kResume:
      return StatusReason::kResuming;
    case Kind::kRestart:
      return StatusReason::kRestarting;
    case Kind::kRestore:
      return StatusReason::kRestoring;
    case Kind::kDeleteVm:
      return StatusReason::kDeleting;
    case Kind::kSnapshot:
    case Kind::kDeleteSnapshot:
    case Kind::kImport:
    case Kind::kReap:
      return StatusReason::kInProgress;
  }
  return StatusReason::kInProgress;
}

// It is not started again by itself.
std::string what_starts_it(const VmObserved& observed) {
  const auto& record = observed.view.record;
  std::string out = how_it_ended(observed.view);
  if (record)
    out += "; to start it again, " +
           ask_restart(observed.vm->spec.restart_attempt, *record);
  return out;
}

bool ended_well(const VmObserved& observed) {
  return observed.view.exit && observed.view.exit->clean;
}

Said running(const VmObserved& observed) {
  switch (observed.view.live) {
    case Live::kRunning:
    case Live::kShimLost:
      return {Truth::kTrue, StatusReason::kRunning, ""};
    case Live::kPaused:
      if (frozen_for_us(observed))
        return {Truth::kTrue, StatusReason::kRunning, ""};
      return {Truth::kFalse, StatusReason::kPaused, ""};
    case Live::kStarting:
      return {Truth::kFalse, StatusReason::kStarting, ""};
    case Live::kStopping:
      return {Truth::kFalse, StatusReason::kStopping, ""};
    case Live::kStopped:
      return {Truth::kFalse, StatusReason::kStopped, ""};
    case Live::kEnded:
      return {Truth::kFalse, StatusReason::kEnded, how_it_ended(observed.view)};
    case Live::kAbsent:
      return {Truth::kFalse, StatusReason::kNotStarted, ""};
  }
  return {};
}

// What is being done that Ready waits for. A restore of a guest that runs
// changes nothing about its running.
std::optional<Kind> pending(const VmObserved& observed, const Choice& choice) {
  if (!choice.doing) return std::nullopt;
  if (*choice.doing == Kind::kRestore && is_up(observed.view.live))
    return std::nullopt;
  return choice.doing;
}

// Ready of a VM that nothing is being done to: Running's own words, but what
// rests because its user asked for that is as asked.
Said as_it_is(const VmObserved& observed) {
  const Live live = observed.view.live;
  if (live == Live::kPaused && !frozen_for_us(observed))
    return {Truth::kTrue, StatusReason::kPausedAsRequested, ""};
  if (live == Live::kStopped)
    return {Truth::kTrue, StatusReason::kStoppedAsRequested, ""};
  return running(observed);
}

Said ready(const VmObserved& observed, const Choice& choice) {
  if (choice.power)
    return {Truth::kFalse, choice.power->reason, choice.power->message};
  if (choice.finished)
    return ended_well(observed)
               ? Said{Truth::kTrue, StatusReason::kCompleted,
                      how_it_ended(observed.view)}
               : Said{Truth::kFalse, StatusReason::kGuestFailed,
                      what_starts_it(observed)};
  if (const auto kind = pending(observed, choice))
    return {Truth::kFalse, verb(*kind), ""};
  // Stopped for want of anything that could be started.
  if (choice.restore && choice.restore->is(StatusReason::kRestoreOfNewVm) &&
      observed.vm->spec.power != model::PowerState::kStopped)
    return {Truth::kFalse, choice.restore->reason, choice.restore->message};
  return as_it_is(observed);
}

// A restore that ended, but not well, while it is still asked for.
const store::LastRestore* failed_restore(const VmObserved& observed) {
  const auto& record = observed.view.record;
  if (restore_turn(observed.vm->spec.restore, record.get()) !=
      RestoreTurn::kFinished)
    return nullptr;
  return record->restore->result == store::RestoreResult::kSucceeded
             ? nullptr
             : &*record->restore;
}

Word result_reason(const store::LastRestore& last) {
  switch (last.result) {
    case store::RestoreResult::kSucceeded:
      return StatusReason::kSucceeded;
    case store::RestoreResult::kRolledBack:
      return StatusReason::kRolledBack;
    case store::RestoreResult::kInProgress:
      return StatusReason::kInProgress;
    case store::RestoreResult::kRefused:
    case store::RestoreResult::kFailed:
      if (last.reason.empty()) return StatusReason::kFailed;
      return last.reason;
  }
  return StatusReason::kFailed;
}

std::string result_message(const store::LastRestore& last) {
  std::string out = "attempt " + std::to_string(last.attempt) +
                    " from VMSnapshot " + last.snapshot;
  if (last.result == store::RestoreResult::kSucceeded) return out;
  if (!last.reason.empty()) out += ": " + last.reason;
  if (!last.message.empty()) out += ": " + last.message;
  return out;
}

std::optional<Said> stall(const VmObserved& observed, const Choice& choice) {
  if (choice.power && choice.power->stalls())
    return Said{Truth::kTrue, choice.power->reason, choice.power->message};
  if (choice.restore && choice.restore->stalls())
    return Said{Truth::kTrue, choice.restore->reason, choice.restore->message};
  if (choice.finished && !ended_well(observed))
    return Said{Truth::kTrue, StatusReason::kGuestFailed,
                what_starts_it(observed)};
  if (choice.restore_due) return std::nullopt;
  if (const auto* last = failed_restore(observed))
    return Said{Truth::kTrue, result_reason(*last), result_message(*last)};
  return std::nullopt;
}

// Waiting beside something that stalls is no work: a human must act first.
std::optional<Said> work(const VmObserved& observed, const Choice& choice,
                         bool stalled) {
  if (choice.doing) return Said{Truth::kTrue, verb(*choice.doing), ""};
  if (stalled) return std::nullopt;
  for (const auto* hindrance : {&choice.power, &choice.restore})
    if (*hindrance)
      return Said{Truth::kTrue, (*hindrance)->reason, (*hindrance)->message};
  if (observed.view.live == Live::kStarting)
    return Said{Truth::kTrue, StatusReason::kStarting, ""};
  if (observed.view.live == Live::kStopping)
    return Said{Truth::kTrue, StatusReason::kStopping, ""};
  return std::nullopt;
}

std::optional<Said> restore_succeeded(const VmObserved& observed,
                                      const Choice& choice) {
  if (choice.doing == Kind::kRestore)
    return Said{Truth::kUnknown, StatusReason::kInProgress, ""};
  if (choice.restore)
    return Said{choice.restore->stalls() ? Truth::kFalse : Truth::kUnknown,
                choice.restore->reason, choice.restore->message};
  if (choice.restore_due)
    return Said{Truth::kUnknown, StatusReason::kInProgress, ""};
  const auto& record = observed.view.record;
  if (!record || !record->restore) return std::nullopt;
  const store::LastRestore& last = *record->restore;
  return Said{last.result == store::RestoreResult::kSucceeded ? Truth::kTrue
                                                              : Truth::kFalse,
              result_reason(last), result_message(last)};
}

std::optional<Said> restart_required(const VmObserved& observed,
                                     const api::VmStatus& status) {
  if (!is_up(observed.view.live)) return std::nullopt;
  std::string fields;
  for (const model::Drift& drift : status.spec_drift) {
    if (drift.cleared_by != model::Drift::ClearedBy::kRestart) continue;
    fields += (fields.empty() ? "" : ", ") + drift.field + " " + drift.spec +
              " (runs with " + drift.running + ")";
  }
  if (fields.empty()) return std::nullopt;
  return Said{Truth::kTrue, StatusReason::kSpecChanged,
              fields + "; to apply it, " +
                  ask_restart(observed.vm->spec.restart_attempt,
                              *observed.view.record)};
}

std::optional<Said> inherited(const VmObserved& observed, const Choice& choice,
                              const api::VmStatus& status) {
  if (!status.inherited_from) return std::nullopt;
  std::string fields;
  for (const model::Drift& drift : drift_of_record(observed, choice))
    fields += (fields.empty() ? "" : ", ") + drift.field + " " + drift.spec +
              " (runs with " + drift.running + ")";
  if (!fields.empty())
    return Said{Truth::kFalse, StatusReason::kRecordDrifted,
                "recorded is " + fields +
                    "; the next restore takes the record from its snapshot, "
                    "a cold boot would start what is recorded"};
  return Said{Truth::kTrue, StatusReason::kInherited,
              "from VMSnapshot " + status.inherited_from->snapshot};
}

std::optional<Said> snapshot_supported(const VmObserved& observed,
                                       const api::VmStatus& status) {
  if (!status.config) return std::nullopt;
  if (observed.view.live == Live::kShimLost)
    return Said{Truth::kFalse, engine::Reason::kShimLost, ""};
  const auto* program = observed.node.program(status.config->hypervisor);
  if (program == nullptr) return std::nullopt;
  if (program->no_snapshot != engine::Reason::kNone)
    return Said{Truth::kFalse, program->no_snapshot, ""};
  return Said{Truth::kTrue, StatusReason::kSupported, ""};
}

std::optional<Said> guest_network(const VmObserved& observed,
                                  const api::VmStatus& status) {
  if (!is_up(observed.view.live) || !status.config || status.config->nics == 0)
    return std::nullopt;
  return Said{Truth::kUnknown, StatusReason::kNoAnswer,
              "nothing has answered for the guest"};
}

}  // namespace

void set_conditions(api::VmStatus& status, const VmObserved& observed,
                    const Choice& choice, Wall now) {
  Conditions conditions(observed.vm->status.conditions,
                        status.observed_generation, now);
  const auto if_so = [&](ConditionType type, const std::optional<Said>& said) {
    if (said) set(conditions, type, *said);
  };
  set(conditions, ConditionType::kReady, ready(observed, choice));
  set(conditions, ConditionType::kRunning, running(observed));
  const auto stalled = stall(observed, choice);
  if_so(ConditionType::kStalled, stalled);
  if_so(ConditionType::kReconciling,
        work(observed, choice, stalled.has_value()));
  if (choice.finished)
    conditions.set(ConditionType::kFinished, Truth::kTrue,
                   ended_well(observed) ? StatusReason::kSucceeded
                                        : StatusReason::kFailed);
  if_so(ConditionType::kRestoreSucceeded, restore_succeeded(observed, choice));
  if_so(ConditionType::kRestartRequired, restart_required(observed, status));
  if_so(ConditionType::kResourcesInherited,
        inherited(observed, choice, status));
  if_so(ConditionType::kSnapshotSupported,
        snapshot_supported(observed, status));
  if_so(ConditionType::kGuestNetworkReady, guest_network(observed, status));
  status.conditions = conditions.take();
}

}  // namespace chrysalis::reconcile
