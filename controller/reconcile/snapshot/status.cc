#include "controller/reconcile/snapshot/status.h"

#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using api::SnapshotPhase;
using api::Truth;

void tell_record(api::SnapshotStatus& status,
                 const store::SnapshotRecord& record) {
  status.captured_at = whole_seconds(record.captured_at);
  status.snapshot_id = record.uid;
  status.source_uid = record.source_uid;
  status.hypervisor = api::SnapshotProgram{
      std::string(to_string(record.config.hypervisor)), record.vmm.version,
      record.vmm.sha256, record.vmm.format};
  status.host = api::SnapshotHost{record.cpu_model, record.host_kernel};
  status.config = record.config;
  status.size = api::SnapshotSize{model::Bytes{record.memory_bytes},
                                  model::Bytes{record.disk_bytes}};
  status.pause_milliseconds = record.pause_ms;
  status.manifest_digest = record.manifest_digest;
}

api::SnapshotStatus facts_of(const SnapshotObserved& observed) {
  api::SnapshotStatus status;
  status.observed_generation = observed.snapshot->meta.generation;
  status.node_name = observed.node.name;
  status.ready_to_use = observed.view.ready;
  if (observed.view.ready && observed.view.record)
    tell_record(status, *observed.view.record);
  return status;
}

StatusReason verb(engine::Kind kind) {
  return kind == engine::Kind::kImport ? StatusReason::kImporting
                                       : StatusReason::kCapturing;
}

SnapshotPhase phase_of(const SnapshotObserved& observed,
                       const SnapshotChoice& choice) {
  if (observed.view.ready) return SnapshotPhase::kReady;
  if (choice.hindrance && choice.hindrance->stalls())
    return SnapshotPhase::kFailed;
  return choice.doing ? SnapshotPhase::kCapturing : SnapshotPhase::kPending;
}

}  // namespace

api::SnapshotStatus snapshot_status(const SnapshotObserved& observed,
                                    const SnapshotChoice& choice, Wall now) {
  api::SnapshotStatus status = facts_of(observed);
  status.phase = phase_of(observed, choice);
  Conditions conditions(observed.snapshot->status.conditions,
                        status.observed_generation, now);
  if (observed.view.ready) {
    conditions.set(ConditionType::kReady, Truth::kTrue,
                   observed.snapshot->spec.directory ? StatusReason::kImported
                                                     : StatusReason::kCaptured);
  } else if (choice.hindrance) {
    const auto& [kind, why, message, refused] = *choice.hindrance;
    conditions.set(ConditionType::kReady, Truth::kFalse, why, message);
    conditions.set(choice.hindrance->stalls() ? ConditionType::kStalled
                                              : ConditionType::kReconciling,
                   Truth::kTrue, why, message);
  } else {
    const StatusReason why =
        choice.doing ? verb(*choice.doing) : StatusReason::kInProgress;
    conditions.set(ConditionType::kReady, Truth::kFalse, why);
    conditions.set(ConditionType::kReconciling, Truth::kTrue, why);
  }
  status.conditions = conditions.take();
  return status;
}

api::SnapshotStatus deleting_status(const SnapshotObserved& observed,
                                    const SnapshotChoice& choice, Wall now) {
  api::SnapshotStatus status = facts_of(observed);
  status.phase = observed.snapshot->status.phase;
  Conditions conditions(observed.snapshot->status.conditions,
                        status.observed_generation, now);
  const auto& hindrance = choice.hindrance;
  const Word why =
      hindrance ? Word(hindrance->reason) : Word(StatusReason::kDeleting);
  const std::string message = hindrance ? hindrance->message : "";
  conditions.set(ConditionType::kReady, Truth::kFalse, why, message);
  conditions.set(ConditionType::kReconciling, Truth::kTrue, why, message);
  status.conditions = conditions.take();
  return status;
}

bool same_status(const api::SnapshotStatus& a, const api::SnapshotStatus& b) {
  if (!same_conditions(a.conditions, b.conditions)) return false;
  api::SnapshotStatus left = a;
  api::SnapshotStatus right = b;
  left.conditions.clear();
  right.conditions.clear();
  return left == right;
}

}  // namespace chrysalis::reconcile
