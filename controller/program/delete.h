#pragma once

// `chrysalis delete KIND/NAME`: asks the standalone of this state to delete an
// object with its data, and waits until it is gone.
// The answer is the line to print. Errors: control_client.h; kInvalid - no
// such kind.

#include <string>

#include "controller/program/options.h"
#include "controller/program/surroundings.h"
#include "src/base/result.h"

namespace chrysalis::program {

Result<std::string> run_delete(const DeleteOptions& options,
                               const Surroundings& around);

}  // namespace chrysalis::program
