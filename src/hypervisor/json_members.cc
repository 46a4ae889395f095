#include "src/hypervisor/json_members.h"

#include <nlohmann/json.hpp>

namespace chrysalis::hypervisor {

using nlohmann::json;

const json* child(const json& parent, std::string_view key) {
  if (!parent.is_object()) return nullptr;
  const auto found = parent.find(key);
  return found == parent.end() ? nullptr : &*found;
}

const json* child(const json* parent, std::string_view key) {
  return parent == nullptr ? nullptr : child(*parent, key);
}

std::optional<uint64_t> number(const json* parent, std::string_view key) {
  const json* value = child(parent, key);
  if (value == nullptr || !value->is_number_unsigned()) return std::nullopt;
  return value->get<uint64_t>();
}

std::optional<bool> boolean(const json* parent, std::string_view key) {
  const json* value = child(parent, key);
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

const std::string* text(const json* parent, std::string_view key) {
  const json* value = child(parent, key);
  return value == nullptr ? nullptr : value->get_ptr<const std::string*>();
}

}  // namespace chrysalis::hypervisor
