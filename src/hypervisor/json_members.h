#pragma once

// Members of a JSON object that somebody else wrote (src/base/bounded_json.h),
// typed. A null pointer or nullopt: absent, or of another type. None throws,
// whatever `parent` is. PURE. Thread-safety: values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "src/base/bounded_json.h"

namespace chrysalis::hypervisor {

const nlohmann::json* child(const nlohmann::json& parent, std::string_view key);
const nlohmann::json* child(const nlohmann::json* parent, std::string_view key);
std::optional<uint64_t> number(const nlohmann::json* parent,
                               std::string_view key);
std::optional<bool> boolean(const nlohmann::json* parent, std::string_view key);
const std::string* text(const nlohmann::json* parent, std::string_view key);

}  // namespace chrysalis::hypervisor
