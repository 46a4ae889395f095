#pragma once

// `chrysalis controller`: places objects on nodes and watches over the agents,
// while it holds the lease; others wait until it is free.
// Blocks until a signal, or until the lease is lost: that is kConflict, and
// the program is to be started again.
// Errors of the start: which flag or file, and what to do.

#include "controller/program/options.h"
#include "controller/program/signals.h"
#include "controller/program/surroundings.h"
#include "src/base/result.h"

namespace chrysalis::program {

Result<> run_controller(const ControllerOptions& options,
                        const Surroundings& around, Signals& signals);

}  // namespace chrysalis::program
