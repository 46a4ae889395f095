#pragma once

// What the values of two response headers say. PURE, total.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"

namespace chrysalis::kube {

// `299 - "text"` -> text, for each of a list; other codes are left out.
[[nodiscard]] std::vector<std::string> warning_texts(std::string_view value);

// Seconds. A date is allowed too, but no API server sends one: nothing.
[[nodiscard]] std::optional<seconds> retry_after(std::string_view value);

}  // namespace chrysalis::kube
