#pragma once

// JSON that others wrote: a VMM's answer, a file of an imported snapshot.
// PURE. Parsed without throwing, within limits that are checked before a tree
// is built, and without duplicate keys: two parsers must not read two truths.
// Thread-safety: values.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "src/base/result.h"

namespace chrysalis::hypervisor {

struct JsonLimits {
  size_t bytes = size_t{4} << 20;
  size_t depth = 32;
  size_t values = 200'000;  // objects, arrays and scalars, roughly
};

// kCorrupt says which limit, or that it is not JSON.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text,
                                                const JsonLimits& limits = {});

// Members of an object, typed. A null pointer or nullopt: absent, or of
// another type. None throws, whatever `parent` is.
const nlohmann::json* child(const nlohmann::json& parent, std::string_view key);
const nlohmann::json* child(const nlohmann::json* parent, std::string_view key);
std::optional<uint64_t> number(const nlohmann::json* parent,
                               std::string_view key);
std::optional<bool> boolean(const nlohmann::json* parent, std::string_view key);
const std::string* text(const nlohmann::json* parent, std::string_view key);

}  // namespace chrysalis::hypervisor
