#pragma once

// A server's URL in parts. PURE.
// Errors: kInvalid with the URL and what is wrong.

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace chrysalis::kube::beast {

struct Endpoint {
  bool tls = true;
  std::string host;  // without brackets
  uint16_t port = 443;
  std::string prefix;  // "" or "/path", put before every target

  // "[::1]:6443", "example.com": as the Host header has it.
  [[nodiscard]] std::string authority() const;
};

Result<Endpoint> parse_endpoint(std::string_view url);

}  // namespace chrysalis::kube::beast
