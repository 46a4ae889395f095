#pragma once

// JSON that others wrote: a VMM's answer, a file of an imported snapshot.
// PURE. Parsed without throwing, within limits that are checked before a tree
// is built, and without duplicate keys: two parsers must not read two truths.
// Thread-safety: values.

#include <cstddef>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "src/base/result.h"

namespace chrysalis {

struct JsonLimits {
  size_t bytes = size_t{4} << 20;
  size_t depth = 32;
  size_t values = 200'000;  // objects, arrays and scalars, roughly
};

// kCorrupt says which limit, or that it is not JSON.
[[nodiscard]] Result<nlohmann::json> parse_json(std::string_view text,
                                                const JsonLimits& limits = {});

}  // namespace chrysalis
