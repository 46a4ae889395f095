#pragma once

// Names to addresses with a deadline. getaddrinfo cannot be cut short, so it
// runs on a thread of its own that is left behind when the caller gives up:
// it holds nothing of ours and ends by the system resolver's own time limit.
// IP literals need no thread.
// Thread-safety: from any thread.
// Errors: kTimeout, kUnavailable (unknown name, or stopped).

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::kube::beast {

struct Address {
  std::string ip;
  uint16_t port = 0;
};

[[nodiscard]] bool is_ip_literal(const std::string& host);

Result<std::vector<Address>> resolve(const std::string& host, uint16_t port,
                                     Mono deadline,
                                     const std::stop_token& stop);

}  // namespace chrysalis::kube::beast
