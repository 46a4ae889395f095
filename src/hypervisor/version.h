#pragma once

// "v53.0", "53.0.0", "v1.16.1-dirty" -> numbers. PURE.

#include <optional>
#include <string>
#include <string_view>

#include "src/hypervisor/capabilities.h"

namespace chrysalis::hypervisor {

// Leading "v" allowed, missing parts are 0, a suffix after them is ignored.
std::optional<Version> parse_version(std::string_view text);
std::string to_string(const Version& version);  // "53.0.0"

}  // namespace chrysalis::hypervisor
