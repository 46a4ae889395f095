#include "src/engine/job.h"

#include <nlohmann/json.hpp>

namespace chrysalis::engine {
namespace {

using nlohmann::json;

constexpr size_t kMaxDetail = 64 << 10;

// Facts by name, once for both directions.
template <class F, class Visit>
void visit_flags(F& facts, Visit&& visit) {
  visit("userPaused", facts.user_paused);
  visit("alive", facts.alive);
  visit("first", facts.first);
  visit("staged", facts.staged);
  visit("swapNics", facts.swap_nics);
  visit("canAsk", facts.can_ask);
  visit("retain", facts.retain);
}

uint64_t number(const json& from, const char* key) {
  const auto at = from.find(key);
  return at != from.end() && at->is_number_unsigned() ? at->get<uint64_t>() : 0;
}

std::string text(const json& from, const char* key) {
  const auto at = from.find(key);
  return at != from.end() && at->is_string() ? at->get<std::string>() : "";
}

}  // namespace

std::string encode_detail(const Job& job) {
  json detail = {{"power", std::string(to_string(job.op.facts.power))},
                 {"graceMilliseconds", job.op.facts.grace.count()},
                 {"attempt", job.attempt},
                 {"restartAttempt", job.restart_attempt},
                 {"snapshot", job.snapshot_uid},
                 {"bootId", job.boot_id},
                 {"pauseMilliseconds", job.pause.count()},
                 {"nextGeneration", job.after.generation}};
  visit_flags(job.op.facts, [&](const char* key, bool value) {
    if (value) detail[key] = true;
  });
  return detail.dump();
}

Result<> decode_detail(std::string_view bytes, Job& job) {
  if (bytes.size() > kMaxDetail)
    return fail(Code::kCorrupt, "the journal's detail is too long");
  const json detail = json::parse(bytes, nullptr, false);
  if (!detail.is_object())
    return fail(Code::kCorrupt, "the journal's detail is no object");
  const auto power = model::parse_power_state(text(detail, "power"));
  if (!power) return fail(Code::kCorrupt, "the journal's detail has no power");
  Facts& facts = job.op.facts;
  facts.power = *power;
  facts.grace = milliseconds{number(detail, "graceMilliseconds")};
  visit_flags(facts, [&](const char* key, bool& value) {
    const auto at = detail.find(key);
    value = at != detail.end() && at->is_boolean() && at->get<bool>();
  });
  job.attempt = number(detail, "attempt");
  job.restart_attempt = number(detail, "restartAttempt");
  job.snapshot_uid = text(detail, "snapshot");
  job.boot_id = text(detail, "bootId");
  job.pause = milliseconds{number(detail, "pauseMilliseconds")};
  job.after.generation =
      static_cast<uint32_t>(number(detail, "nextGeneration"));
  return {};
}

store::RestoreResult restore_result(End end) {
  using store::RestoreResult;
  switch (end) {
    case End::kOk:
    case End::kReplaced:  // what it restored is what counts from then on
      return RestoreResult::kSucceeded;
    case End::kRefused:
      return RestoreResult::kRefused;
    case End::kRolledBack:
      return RestoreResult::kRolledBack;
    case End::kFailed:
      break;
  }
  return RestoreResult::kFailed;
}

store::OperationKind row_kind(Kind kind) {
  using O = store::OperationKind;
  switch (kind) {
    case Kind::kBoot:
      return O::kBoot;
    case Kind::kStart:
      return O::kStart;
    case Kind::kStop:
    case Kind::kReap:  // never journalled
      return O::kStop;
    case Kind::kPause:
      return O::kPause;
    case Kind::kResume:
      return O::kResume;
    case Kind::kRestart:
      return O::kRestart;
    case Kind::kSnapshot:
      return O::kSnapshot;
    case Kind::kClone:
      return O::kClone;
    case Kind::kRestore:
      return O::kRestore;
    case Kind::kDeleteVm:
      return O::kDeleteVm;
    case Kind::kDeleteSnapshot:
      return O::kDeleteSnapshot;
    case Kind::kImport:
      return O::kImport;
  }
  return O::kStop;
}

Kind kind_of_row(store::OperationKind kind) {
  using O = store::OperationKind;
  switch (kind) {
    case O::kBoot:
      return Kind::kBoot;
    case O::kClone:
      return Kind::kClone;
    case O::kRestore:
      return Kind::kRestore;
    case O::kPause:
      return Kind::kPause;
    case O::kResume:
      return Kind::kResume;
    case O::kStart:
      return Kind::kStart;
    case O::kStop:
      return Kind::kStop;
    case O::kRestart:
      return Kind::kRestart;
    case O::kSnapshot:
      return Kind::kSnapshot;
    case O::kDeleteVm:
      return Kind::kDeleteVm;
    case O::kDeleteSnapshot:
      return Kind::kDeleteSnapshot;
    case O::kImport:
      return Kind::kImport;
  }
  return Kind::kStop;
}

store::OperationRow row_of(const Job& job, Wall now) {
  store::OperationRow row;
  row.uid = job.uid;
  row.seq = job.seq;
  row.kind = row_kind(job.op.kind);
  row.step = to_string(job.op.step);
  row.detail_json = encode_detail(job);
  row.started_at = job.started;
  row.updated_at = now;
  if (job.op.end && !unfinished(job.op)) {
    row.state = *job.op.end == End::kOk ? store::OperationState::kSucceeded
                                        : store::OperationState::kFailed;
    row.reason = to_string(job.op.reason);
    row.message = job.op.message;
  }
  return row;
}

Outcome outcome_of(const Job& job, Wall now) {
  Outcome outcome;
  outcome.kind = job.op.kind;
  outcome.attempt = job.attempt;
  outcome.snapshot_uid = job.snapshot_uid;
  outcome.ok = job.op.end == End::kOk;
  outcome.refused = job.op.end == End::kRefused;
  outcome.reason = job.op.reason;
  outcome.message = job.op.message;
  if (job.op.kind == Kind::kRestore && job.op.end)
    outcome.restore = restore_result(*job.op.end);
  outcome.pause = job.pause;
  outcome.started = job.started;
  outcome.finished = now;
  return outcome;
}

}  // namespace chrysalis::engine
