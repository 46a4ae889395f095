#pragma once

// One real API server with crds/ for all tests of this program.

#include <memory>
#include <string>

#include "controller/kube/requests.h"
#include "controller/kube/transport.h"
#include "tests/kube/api_server.h"

namespace chrysalis::kube::testing {

inline constexpr Resource kVms{"chrysalis.dev", "v1alpha1", "virtualmachines",
                               "VirtualMachine"};

// REQUIRES: the environment is set up, that is: inside a test.
[[nodiscard]] kube_tools::ApiServer& server();

enum class As { kCertificate, kToken };
// An administrator, by the kubeconfig that the server wrote.
[[nodiscard]] std::unique_ptr<Transport> transport_as(As as);

}  // namespace chrysalis::kube::testing
