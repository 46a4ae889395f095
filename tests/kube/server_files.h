#pragma once

// What the fixture writes and passes to its programs, as text: kubeconfigs,
// the audit policy, the command lines. No effects.

#include <filesystem>
#include <string>
#include <vector>

#include "tests/kube/certificates.h"

namespace chrysalis::kube_tools {

struct ServerFiles {
  std::filesystem::path programs;
  std::filesystem::path dir;
  int port = 0;

  [[nodiscard]] std::vector<std::string> etcd_argv() const;
  [[nodiscard]] std::vector<std::string> api_server_argv() const;
};

// Credentials are inline, so that the file may be copied anywhere.
std::string client_cert_kubeconfig(const std::string& url,
                                   const Certificates& certificates);
std::string token_kubeconfig(const std::string& url,
                             const Certificates& certificates,
                             const std::string& token);
// Metadata of requests on our kinds, events and leases; nothing else.
std::string audit_policy();

}  // namespace chrysalis::kube_tools
