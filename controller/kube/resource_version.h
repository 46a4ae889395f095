#pragma once

// Order of resourceVersions, by the rule of KEP-5504 (stable in 1.35): decimal
// strings without leading zeros; the longer is the newer, else by bytes.
// PURE. Never compare versions of two resource types.

#include <compare>
#include <optional>
#include <string_view>

namespace chrysalis::kube {

// The server's counter fits 128 bits.
inline constexpr size_t kResourceVersionMaxDigits = 39;

[[nodiscard]] constexpr bool is_resource_version(std::string_view text) {
  if (text.empty() || text.size() > kResourceVersionMaxDigits) return false;
  if (text.front() == '0') return false;  // "" and "0" mean "any" in a request
  for (const char c : text)
    if (c < '0' || c > '9') return false;
  return true;
}

// nullopt when one of them is no resourceVersion: then nothing is known about
// their order, and the caller must not guess.
[[nodiscard]] constexpr std::optional<std::strong_ordering>
compare_resource_versions(std::string_view a, std::string_view b) {
  if (!is_resource_version(a) || !is_resource_version(b)) return std::nullopt;
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

// True only when `a` is known to be older than `b`.
[[nodiscard]] constexpr bool is_older(std::string_view a, std::string_view b) {
  const auto order = compare_resource_versions(a, b);
  return order.has_value() && *order < 0;
}

}  // namespace chrysalis::kube
