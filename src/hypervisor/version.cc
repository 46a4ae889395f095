#include "src/hypervisor/version.h"

#include <charconv>

namespace chrysalis::hypervisor {

std::optional<Version> parse_version(std::string_view text) {
  if (!text.empty() && text.front() == 'v') text.remove_prefix(1);
  Version out;
  unsigned* const parts[] = {&out.major, &out.minor, &out.patch};
  for (size_t i = 0; i < std::size(parts); ++i) {
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.size() < 2 || text[0] != '.' || text[1] < '0' || text[1] > '9')
      break;
    text.remove_prefix(1);
  }
  return out;
}

std::string to_string(const Version& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) +
         "." + std::to_string(version.patch);
}

}  // namespace chrysalis::hypervisor
