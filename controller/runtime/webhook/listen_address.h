#pragma once

// "127.0.0.1:9443", "[::1]:9443", ":9443" (every address). PURE.
// Errors: kInvalid with the text and what is wrong with it.

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace chrysalis::runtime {

struct ListenAddress {
  std::string host;   // an IP without brackets; "": every address
  uint16_t port = 0;  // 0: a free one
};

Result<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace chrysalis::runtime
