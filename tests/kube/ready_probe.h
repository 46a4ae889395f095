#pragma once

// One GET /readyz over TLS. The certificate is not verified: what answers is
// our own child. Clients under test verify it by ca.crt.
// Blocks at most 5 s; true only for an answer of 200.

#include <string>

namespace chrysalis::kube_tools {

[[nodiscard]] bool is_ready(int port, const std::string& token);

}  // namespace chrysalis::kube_tools
