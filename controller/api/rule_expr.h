#pragma once

// A validation rule written once: an expression tree that prints itself as
// CEL for the API server and evaluates itself on JSON for the offline check,
// the review handler and the agent's guard. The two cannot drift, as there is
// one tree.
//
// Paths are below the node the rule stands on ("resources.cpu" on spec). A
// field is read only where it is present: Has guards its parents too.
// PURE. Thread-safety: immutable values.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "src/model/values.h"

namespace chrysalis::api {

enum class Scope : uint8_t { kSelf, kOld };

using Literal = std::variant<bool, int64_t, std::string>;

// A value in a rule or in its message.
struct Operand {
  enum class Kind : uint8_t { kField, kLiteral, kPlusOne };
  Kind kind = Kind::kField;
  Scope scope = Scope::kSelf;
  std::string path = {};
  std::vector<Literal> otherwise =
      {};  // 0 or 1: used where the field is absent
  Literal literal = false;
};
Operand field(std::string path);
Operand old_field(std::string path);
Operand with_default(Operand field, Literal otherwise);
Operand plus_one(Operand field);
Operand literal(Literal value);

class Expr;
using ExprPtr = std::shared_ptr<const Expr>;

class Expr {
 public:
  virtual ~Expr() = default;
  [[nodiscard]] virtual std::string cel() const = 0;
  [[nodiscard]] virtual bool eval(const nlohmann::json& self,
                                  const nlohmann::json* old) const = 0;
  // True if the expression speaks of the old object: a transition rule.
  [[nodiscard]] virtual bool transition() const = 0;
};

ExprPtr has(std::string path);
ExprPtr had(std::string path);
ExprPtr negate(ExprPtr inner);
ExprPtr all(const std::vector<ExprPtr>& parts);
ExprPtr any(const std::vector<ExprPtr>& parts);
ExprPtr equal(Operand a, Operand b);
ExprPtr differ(ExprPtr a, ExprPtr b);  // exactly one of two holds
ExprPtr greater(Operand a, Operand b);
ExprPtr one_of(Operand a, std::vector<int64_t> values);
// A name of at most `max` characters that matches `pattern`.
ExprPtr named(std::string path, std::string pattern, size_t max);
// Of an int-or-string quantity that is present.
ExprPtr quantity_within(std::string path, model::Bytes min, model::Bytes max);
ExprPtr quantity_whole_mib(std::string path);

// What an operand prints as in a message: as the user wrote it.
std::string show(const Operand& operand, const nlohmann::json& self,
                 const nlohmann::json* old);
std::string to_cel(const Operand& operand);
std::string cel_string(std::string_view text);  // 'it\'s'

// The member at a dotted path, or nullptr.
const nlohmann::json* find_path(const nlohmann::json& root,
                                std::string_view path);

}  // namespace chrysalis::api
