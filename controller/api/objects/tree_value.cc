#include "controller/api/objects/tree_value.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace chrysalis::api {

bool TreeValue::is_null() { return node_->is_null(); }

bool TreeValue::is_text() { return node_->is_string(); }

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
