#pragma once

// The certificates of one test API server: a CA, a server certificate for
// loopback, a client certificate of an administrator, and the key that signs
// service account tokens. P-256 keys, valid for a day; nothing secret.
// Errors: kUnavailable - OpenSSL refused.

#include <string>

#include "src/base/result.h"

namespace chrysalis::kube_tools {

// All PEM.
struct Certificates {
  std::string ca;
  std::string server, server_key;
  std::string client, client_key;  // CN=admin, O=system:masters
  std::string service_account_key, service_account_public;
};

[[nodiscard]] Result<Certificates> make_certificates();

std::string random_hex(int bytes);
std::string base64(const std::string& bytes);

}  // namespace chrysalis::kube_tools
