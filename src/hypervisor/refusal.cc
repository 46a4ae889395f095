#include "src/hypervisor/refusal.h"

namespace chrysalis::hypervisor {
namespace {

constexpr size_t kMaxMessage = 2048;

Code code_of(unsigned status, std::string_view message,
             std::span<const RefusalRule> rules) {
  for (const RefusalRule& rule : rules)
    if (message.find(rule.words) != std::string_view::npos) return rule.code;
  if (status == 404) return Code::kNotFound;
  if (status == 429 || status == 503) return Code::kUnavailable;
  return Code::kInvalid;
}

}  // namespace

Error refusal(unsigned status, std::string_view message,
              std::span<const RefusalRule> rules) {
  std::string clean(message.substr(0, kMaxMessage));
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  if (clean.empty()) clean = "no reason given";
  return {code_of(status, message, rules),
          "HTTP " + std::to_string(status) + ": " + clean};
}

}  // namespace chrysalis::hypervisor
