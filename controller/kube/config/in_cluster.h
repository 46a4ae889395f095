#pragma once

// An Access from what every pod is given: its service account, and where the
// API server is. The token is a file, so that Credentials reads it again.
// Errors: kNotFound or kInvalid, naming the variable or file and the remedy.

#include <filesystem>
#include <string>

#include "controller/kube/access.h"
#include "controller/kube/credentials.h"
#include "src/base/result.h"

namespace chrysalis::kube {

struct PodEnvironment {
  std::string service_host{};  // KUBERNETES_SERVICE_HOST
  std::string service_port{};  // KUBERNETES_SERVICE_PORT
  std::filesystem::path service_account =
      "/var/run/secrets/kubernetes.io/serviceaccount";
  // Whether this is a pod at all; one of the two alone is a fault.
  [[nodiscard]] bool any() const {
    return !service_host.empty() || !service_port.empty();
  }
};

Result<Access> in_cluster_access(const PodEnvironment& pod,
                                 const ReadFile& read);

}  // namespace chrysalis::kube
