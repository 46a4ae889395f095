// status.restore: what was asked for and is refused, or is not at its end;
// else the last one that ended.

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/vm/attempts.h"
#include "controller/reconcile/vm/status.h"

namespace chrysalis::reconcile {
namespace {

api::RestoreVerdict verdict_of(store::RestoreResult result) {
  switch (result) {
    case store::RestoreResult::kInProgress:
      return api::RestoreVerdict::kInProgress;
    case store::RestoreResult::kSucceeded:
      return api::RestoreVerdict::kSucceeded;
    case store::RestoreResult::kRefused:
      return api::RestoreVerdict::kRefused;
    case store::RestoreResult::kRolledBack:
      return api::RestoreVerdict::kRolledBack;
    case store::RestoreResult::kFailed:
      return api::RestoreVerdict::kFailed;
  }
  return api::RestoreVerdict::kFailed;
}

std::string uid_of(const VmObserved& observed) {
  const auto& named = observed.snapshot;
  return named && named->object ? named->object->meta.uid : "";
}

// The same content keeps its times: a refusal that is found again is the one
// that was told.
api::RestoreStatus timed(api::RestoreStatus told,
                         const std::optional<api::RestoreStatus>& before) {
  if (!before) return told;
  api::RestoreStatus same = told;
  same.started_at = before->started_at;
  same.finished_at = before->finished_at;
  return same == *before ? same : told;
}

api::RestoreStatus in_progress(const VmObserved& observed,
                               const Choice& choice) {
  const api::RestoreSpec& spec = *observed.vm->spec.restore;
  api::RestoreStatus out;
  out.snapshot = spec.snapshot;
  out.snapshot_uid = uid_of(observed);
  out.attempt = spec.attempt;
  if (choice.restore) {
    out.reason = choice.restore->reason;
    out.message = choice.restore->message;
  }
  const auto& flight = observed.view.running;
  if (flight && flight->kind == engine::Kind::kRestore) {
    out.started_at = whole_seconds(flight->since);
    out.attempt = flight->attempt;
    out.snapshot_uid = flight->snapshot_uid;
  }
  // The moment it was first told stays.
  const auto& before = observed.vm->status.restore;
  if (before && before->result == out.result &&
      before->attempt == out.attempt &&
      before->snapshot_uid == out.snapshot_uid && before->started_at)
    out.started_at = before->started_at;
  return out;
}

api::RestoreStatus refused(const VmObserved& observed,
                           const Hindrance& hindrance) {
  const api::RestoreSpec& spec = *observed.vm->spec.restore;
  api::RestoreStatus out;
  out.snapshot = spec.snapshot;
  out.snapshot_uid = uid_of(observed);
  out.attempt = spec.attempt;
  out.result = api::RestoreVerdict::kRefused;
  out.reason = hindrance.reason;
  out.message = hindrance.message;
  return timed(out, observed.vm->status.restore);
}

api::RestoreStatus recorded(const store::LastRestore& last) {
  api::RestoreStatus out;
  out.snapshot = last.snapshot;
  out.snapshot_uid = last.snapshot_uid;
  out.attempt = last.attempt;
  out.result = verdict_of(last.result);
  out.reason = last.reason;
  out.message = last.message;
  out.started_at = whole_seconds(last.started_at);
  if (last.finished_at) out.finished_at = whole_seconds(*last.finished_at);
  out.pause_milliseconds = last.pause_ms;
  return out;
}

}  // namespace

std::optional<api::RestoreStatus> restore_status(const VmObserved& observed,
                                                 const Choice& choice) {
  const bool asked = observed.vm->spec.restore.has_value();
  if (asked && choice.restore && choice.restore->stalls())
    return refused(observed, *choice.restore);
  if (asked && (choice.restore_due || choice.doing == engine::Kind::kRestore))
    return in_progress(observed, choice);
  const auto& record = observed.view.record;
  if (record && record->restore) return recorded(*record->restore);
  return std::nullopt;
}

}  // namespace chrysalis::reconcile
