#pragma once

// The way to the API server that the flags, the environment or the pod name.
// Nothing is sent yet: a server that is down is no error here.
// Errors: those of find_access: which file, which key, what to do.

#include <memory>
#include <string_view>

#include "controller/kube/transport.h"
#include "controller/program/options.h"
#include "controller/program/surroundings.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::program {

// `part`: of the user agent, "agent".
Result<std::unique_ptr<kube::Transport>> connect(const ClusterFlags& flags,
                                                 const Surroundings& around,
                                                 const Clock& clock,
                                                 std::string_view part);

}  // namespace chrysalis::program
