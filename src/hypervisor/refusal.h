#pragma once

// From the words of a refusal to a code that a caller acts on. PURE.
// Statuses do not tell: CH answers most with 500, FC all with 400.

#include <span>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace chrysalis::hypervisor {

struct RefusalRule {
  std::string_view words;  // contained in the message
  Code code;
};

// The first rule that fits, else kNotFound for 404, kUnavailable for 429 and
// 503, else kInvalid. The message is bounded, and free of control characters.
[[nodiscard]] Error refusal(unsigned status, std::string_view message,
                            std::span<const RefusalRule> rules);

}  // namespace chrysalis::hypervisor
