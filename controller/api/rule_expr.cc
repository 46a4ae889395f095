#include "controller/api/rule_expr.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/pattern.h"

namespace chrysalis::api {
namespace {

using nlohmann::json;

std::string root_of(Scope scope) {
  return scope == Scope::kSelf ? "self" : "oldSelf";
}

// has(self.a) && has(self.a.b): each parent before its child.
std::string has_cel(Scope scope, std::string_view path) {
  std::string out, prefix = root_of(scope);
  size_t start = 0;
  while (start <= path.size()) {
    const size_t dot = std::min(path.find('.', start), path.size());
    prefix += "." + std::string(path.substr(start, dot - start));
    if (!out.empty()) out += " && ";
    out += "has(" + prefix + ")";
    start = dot + 1;
  }
  return out;
}

const json* pick(Scope scope, const std::string& path, const json& self,
                 const json* old) {
  if (scope == Scope::kOld && old == nullptr) return nullptr;
  return find_path(scope == Scope::kSelf ? self : *old, path);
}

json to_json(const Literal& value) {
  return std::visit([](const auto& v) { return json(v); }, value);
}

std::optional<json> value_of(const Operand& o, const json& self,
                             const json* old) {
  if (o.kind == Operand::Kind::kLiteral) return to_json(o.literal);
  const json* found = pick(o.scope, o.path, self, old);
  if (found == nullptr) {
    if (o.otherwise.empty()) return std::nullopt;
    return to_json(o.otherwise.front());
  }
  if (o.kind == Operand::Kind::kPlusOne && found->is_number_integer())
    return json(found->get<int64_t>() + 1);
  return *found;
}

std::optional<model::Bytes> bytes_at(const json& self,
                                     const std::string& path) {
  const json* found = find_path(self, path);
  if (found == nullptr) return std::nullopt;
  if (found->is_number_integer()) {
    const auto n = found->get<int64_t>();
    if (n < 0) return std::nullopt;
    return model::Bytes{static_cast<uint64_t>(n)};
  }
  if (!found->is_string()) return std::nullopt;
  return model::parse_quantity(found->get_ref<const std::string&>());
}

// One node type: the two renderings as closures, made together.
class Node final : public Expr {
 public:
  using Eval = std::function<bool(const json&, const json*)>;
  Node(std::string cel, bool transition, Eval eval)
      : cel_(std::move(cel)), transition_(transition), eval_(std::move(eval)) {}
  [[nodiscard]] std::string cel() const override { return cel_; }
  [[nodiscard]] bool eval(const json& self, const json* old) const override {
    return eval_(self, old);
  }
  [[nodiscard]] bool transition() const override { return transition_; }

 private:
  std::string cel_;
  bool transition_;
  Eval eval_;
};

ExprPtr node(std::string cel, bool transition, Node::Eval eval) {
  return std::make_shared<Node>(std::move(cel), transition, std::move(eval));
}

ExprPtr joined(const std::vector<ExprPtr>& parts, const char* sign,
               bool conjunction) {
  std::string cel;
  bool transition = false;
  for (const ExprPtr& part : parts) {
    if (!cel.empty()) cel += sign;
    cel += "(" + part->cel() + ")";
    transition = transition || part->transition();
  }
  return node(
      cel, transition, [parts, conjunction](const json& s, const json* o) {
        const auto holds = [&](const ExprPtr& p) { return p->eval(s, o); };
        return conjunction ? std::all_of(parts.begin(), parts.end(), holds)
                           : std::any_of(parts.begin(), parts.end(), holds);
      });
}

ExprPtr presence(Scope scope, std::string path) {
  std::string cel = has_cel(scope, path);
  return node(std::move(cel), scope == Scope::kOld,
              [scope, path = std::move(path)](const json& s, const json* o) {
                return pick(scope, path, s, o) != nullptr;
              });
}

bool is_old(const Operand& o) {
  return o.kind != Operand::Kind::kLiteral && o.scope == Scope::kOld;
}

}  // namespace

const json* find_path(const json& root, std::string_view path) {
  const json* at = &root;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t dot = std::min(path.find('.', start), path.size());
    if (!at->is_object()) return nullptr;
    const auto it = at->find(std::string(path.substr(start, dot - start)));
    if (it == at->end()) return nullptr;
    at = &*it;
    start = dot + 1;
  }
  return at;
}

std::string cel_string(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

Operand field(std::string path) { return {.path = std::move(path)}; }
Operand old_field(std::string path) {
  return {.scope = Scope::kOld, .path = std::move(path)};
}
Operand with_default(Operand o, Literal otherwise) {
  o.otherwise = {std::move(otherwise)};
  return o;
}
Operand plus_one(Operand o) {
  o.kind = Operand::Kind::kPlusOne;
  return o;
}
Operand literal(Literal value) {
  return {.kind = Operand::Kind::kLiteral, .literal = std::move(value)};
}

namespace {
std::string literal_cel(const Literal& value) {
  if (const auto* s = std::get_if<std::string>(&value)) return cel_string(*s);
  if (const auto* n = std::get_if<int64_t>(&value)) return std::to_string(*n);
  return std::get<bool>(value) ? "true" : "false";
}
}  // namespace

std::string to_cel(const Operand& o) {
  if (o.kind == Operand::Kind::kLiteral) return literal_cel(o.literal);
  std::string out = root_of(o.scope) + "." + o.path;
  if (!o.otherwise.empty())
    out = "(" + has_cel(o.scope, o.path) + " ? " + out + " : " +
          literal_cel(o.otherwise.front()) + ")";
  if (o.kind == Operand::Kind::kPlusOne) out += " + 1";
  return out;
}

std::string show(const Operand& o, const json& self, const json* old) {
  const auto value = value_of(o, self, old);
  if (!value) return "";
  if (value->is_string()) return value->get<std::string>();
  return value->dump();
}

ExprPtr has(std::string path) {
  return presence(Scope::kSelf, std::move(path));
}
ExprPtr had(std::string path) { return presence(Scope::kOld, std::move(path)); }
ExprPtr negate(ExprPtr inner) {
  std::string cel = "!(" + inner->cel() + ")";
  const bool transition = inner->transition();
  return node(std::move(cel), transition,
              [inner = std::move(inner)](const json& s, const json* o) {
                return !inner->eval(s, o);
              });
}
ExprPtr all(const std::vector<ExprPtr>& parts) {
  return joined(parts, " && ", true);
}
ExprPtr any(const std::vector<ExprPtr>& parts) {
  return joined(parts, " || ", false);
}

ExprPtr equal(Operand a, Operand b) {
  std::string cel = to_cel(a) + " == " + to_cel(b);
  const bool transition = is_old(a) || is_old(b);
  return node(
      std::move(cel), transition,
      [a = std::move(a), b = std::move(b)](const json& s, const json* o) {
        return value_of(a, s, o) == value_of(b, s, o);
      });
}

ExprPtr differ(ExprPtr a, ExprPtr b) {
  std::string cel = "(" + a->cel() + ") != (" + b->cel() + ")";
  const bool transition = a->transition() || b->transition();
  return node(
      std::move(cel), transition,
      [a = std::move(a), b = std::move(b)](const json& s, const json* o) {
        return a->eval(s, o) != b->eval(s, o);
      });
}

ExprPtr greater(Operand a, Operand b) {
  std::string cel = to_cel(a) + " > " + to_cel(b);
  const bool transition = is_old(a) || is_old(b);
  return node(
      std::move(cel), transition,
      [a = std::move(a), b = std::move(b)](const json& s, const json* o) {
        const auto left = value_of(a, s, o), right = value_of(b, s, o);
        return left && right && left->is_number() && right->is_number() &&
               *left > *right;
      });
}

ExprPtr one_of(Operand a, std::vector<int64_t> values) {
  std::string cel = to_cel(a) + " in [";
  for (size_t i = 0; i < values.size(); ++i)
    cel += (i ? ", " : "") + std::to_string(values[i]);
  cel += "]";
  const bool transition = is_old(a);
  return node(std::move(cel), transition,
              [a = std::move(a), values = std::move(values)](const json& s,
                                                             const json* o) {
                const auto value = value_of(a, s, o);
                return value && value->is_number_integer() &&
                       std::find(values.begin(), values.end(),
                                 value->get<int64_t>()) != values.end();
              });
}

ExprPtr named(std::string path, std::string pattern, size_t max) {
  std::string cel = "self." + path + ".size() <= " + std::to_string(max) +
                    " && self." + path + ".matches(" + cel_string(pattern) +
                    ")";
  return node(std::move(cel), false,
              [path = std::move(path), pattern = std::move(pattern), max](
                  const json& s, const json*) {
                const json* name = find_path(s, path);
                if (name == nullptr || !name->is_string()) return true;
                const auto& text = name->get_ref<const std::string&>();
                return text.size() <= max && matches(text, pattern);
              });
}

// CEL's quantity() knows strings only; the other half of int-or-string is a
// plain comparison.
ExprPtr quantity_within(std::string path, model::Bytes min, model::Bytes max) {
  const std::string f = "self." + path;
  const auto n = [](model::Bytes b) { return std::to_string(b.count); };
  std::string cel = "type(" + f + ") == int ? (" + f + " >= " + n(min) +
                    " && " + f + " <= " + n(max) + ") : (isQuantity(" + f +
                    ") && !quantity(" + f + ").isLessThan(quantity('" + n(min) +
                    "')) && !quantity(" + f + ").isGreaterThan(quantity('" +
                    n(max) + "')))";
  return node(std::move(cel), false,
              [path = std::move(path), min, max](const json& s, const json*) {
                const auto bytes = bytes_at(s, path);
                return bytes && *bytes >= min && *bytes <= max;
              });
}

ExprPtr quantity_whole_mib(std::string path) {
  const std::string f = "self." + path;
  std::string cel =
      "type(" + f + ") == int ? " + f + " % 1048576 == 0 : (quantity(" + f +
      ").isInteger() && quantity(" + f + ").asInteger() % 1048576 == 0)";
  return node(std::move(cel), false,
              [path = std::move(path)](const json& s, const json*) {
                const auto bytes = bytes_at(s, path);
                return bytes && bytes->count % 1048576 == 0;
              });
}

}  // namespace chrysalis::api
