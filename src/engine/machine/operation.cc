#include "src/engine/machine/operation.h"

#include <utility>

#include "src/engine/machine/rules.h"

namespace chrysalis::engine {
namespace {

struct PlanOf {
  const Operation& op;
  template <class S>
  Plan operator()(S step) const {
    return rules::plan(step, op.facts);
  }
  Plan operator()(PowerStep step) const { return rules::plan(step, op.kind); }
};

// An end that was reached although undoing failed is not the end it seems.
End settle(End end, bool worse) {
  if (!worse) return end;
  switch (end) {
    case End::kOk:
      return End::kReplaced;
    case End::kRolledBack:
      return End::kFailed;
    case End::kRefused:
    case End::kFailed:
    case End::kReplaced:
      return end;
  }
  return end;
}

}  // namespace

std::string_view to_string(Happened what) {
  switch (what) {
    case Happened::kDone:
      return "Done";
    case Happened::kFailed:
      return "Failed";
    case Happened::kTimedOut:
      return "TimedOut";
    case Happened::kGuardFired:
      return "GuardFired";
    case Happened::kNotJournalled:
      return "NotJournalled";
  }
  return "";
}

std::string_view to_string(End end) {
  switch (end) {
    case End::kOk:
      return "Ok";
    case End::kRefused:
      return "Refused";
    case End::kFailed:
      return "Failed";
    case End::kRolledBack:
      return "RolledBack";
    case End::kReplaced:
      return "Replaced";
  }
  return "";
}

bool is_up(const Operation& operation) {
  return operation.step == Step{BootStep::kReach};
}

bool unfinished(const Operation& operation) {
  const bool makes =
      operation.kind == Kind::kBoot || operation.kind == Kind::kClone;
  return operation.end == End::kFailed && operation.worse && makes &&
         operation.facts.first;
}

Operation begin(Kind kind, const Facts& facts, Mono now) {
  Operation op;
  op.kind = kind;
  op.facts = facts;
  op.step = first_step(kind);
  op.since = now;
  return op;
}

Plan plan(const Operation& operation) {
  if (operation.end) return {};
  return std::visit(PlanOf{operation}, operation.step);
}

Operation advance(Operation operation, const Event& event, Mono now) {
  const rules::Move move = std::visit(
      [&](auto step) {
        return rules::move(step, operation.kind, operation.facts, event.what);
      },
      operation.step);
  if (move.failure && operation.reason == Reason::kNone) {
    operation.reason = event.reason;
    operation.message = event.message;
  }
  operation.worse = operation.worse || move.worse;
  operation.ran = operation.ran || move.ran;
  operation.since = now;
  if (const auto* step = std::get_if<Step>(&move.to))
    operation.step = *step;
  else
    operation.end = settle(std::get<End>(move.to), operation.worse);
  return operation;
}

}  // namespace chrysalis::engine
