#include "controller/api/objects/tree_value.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace chrysalis::api {

JsonValue::Type TreeValue::type() {
  using nlohmann::json;
  switch (node_->type()) {
    case json::value_t::null:
      return Type::kNull;
    case json::value_t::boolean:
      return Type::kBoolean;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return Type::kNumber;
    case json::value_t::string:
      return Type::kText;
    case json::value_t::array:
      return Type::kArray;
    case json::value_t::object:
      return Type::kObject;
    case json::value_t::binary:
    case json::value_t::discarded:
      return Type::kBroken;
  }
  return Type::kBroken;
}

std::optional<std::string_view> TreeValue::text() {
  const auto* text = node_->get_ptr<const std::string*>();
  if (text == nullptr) return std::nullopt;
  return *text;
}

std::optional<int64_t> TreeValue::integer() {
  if (node_->is_number_unsigned()) {
    const auto number = *node_->get_ptr<const uint64_t*>();
    if (!std::in_range<int64_t>(number)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (!node_->is_number_integer()) return std::nullopt;
  return *node_->get_ptr<const int64_t*>();
}

std::optional<double> TreeValue::number() {
  if (!node_->is_number()) return std::nullopt;
  return node_->get<double>();
}

std::optional<bool> TreeValue::boolean() {
  if (!node_->is_boolean()) return std::nullopt;
  return *node_->get_ptr<const bool*>();
}

bool TreeValue::members(Member visit) {
  if (!node_->is_object()) return false;
  for (const auto& [key, member] : node_->items()) {
    TreeValue value(member);
    if (!visit(key, value)) return false;
  }
  return true;
}

bool TreeValue::elements(Element visit) {
  if (!node_->is_array()) return false;
  for (const auto& element : *node_) {
    TreeValue value(element);
    if (!visit(value)) return false;
  }
  return true;
}

}  // namespace chrysalis::api
