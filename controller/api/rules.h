#pragma once

// Every rule of the two kinds that the plain schema cannot say, in one list.
// The rules of fields are computed from the field table; the rest are the
// unions and the requests that only count up. The API server gets them as
// CEL, everybody else evaluates the same trees, so the words are the same.
//
// All rules stand on `spec` (the server only warns about a failing rule whose
// node did not change), one on the object: the length of its name.
// PURE. Thread-safety: rules_of() is immutable after first use.

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/api/names.h"
#include "controller/api/rule_expr.h"
#include "src/model/law.h"

namespace chrysalis::api {

enum class RuleReason : uint8_t { kForbidden, kInvalid };
enum class Level : uint8_t { kObject, kSpec };

struct Rule {
  std::string id;  // "clone-refuses-cpu": stable, for tests and SARIF
  Level level = Level::kSpec;
  std::string path;  // of the field it blames, below its level
  RuleReason reason = RuleReason::kForbidden;
  ExprPtr holds;                     // true: nothing to say
  std::string text;                  // template of the message
  std::vector<Operand> values = {};  // for the %s of the text
};

std::span<const Rule> rules_of(Kind kind);

// CEL of a rule: the expression, and the message with its values.
std::string message_expression(const Rule& rule);

// The faults of an object, `old` for an update. REQUIRES: structurally valid
// and defaulted (structural.h).
struct BrokenRule {
  const Rule* rule = nullptr;  // of rules_of(kind)
  model::Fault fault;
};
std::vector<BrokenRule> find_broken(Kind kind, const nlohmann::json& object,
                                    const nlohmann::json* old);

// The same, without the rules.
std::vector<model::Fault> broken_rules(Kind kind, const nlohmann::json& object,
                                       const nlohmann::json* old);

}  // namespace chrysalis::api
