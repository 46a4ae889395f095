#pragma once

// Writes JSON values as block YAML, keys in their order, every string quoted
// (so no "yes", "1e3" or "0x1" changes its type). PURE.

#include <string>

#include <nlohmann/json.hpp>

namespace chrysalis::api {

std::string to_yaml(const nlohmann::ordered_json& value);

}  // namespace chrysalis::api
