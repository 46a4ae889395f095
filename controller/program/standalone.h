#pragma once

// `chrysalis standalone`: runs the VMs of a directory of manifests, and
// answers `chrysalis delete` at STATE/control.sock. Needs no API server.
// Blocks until a signal; the VMs run on, the next start adopts them.
// Errors: only of the start, with what to do; no VM was touched then.

#include "controller/program/options.h"
#include "controller/program/signals.h"
#include "controller/program/surroundings.h"
#include "src/base/result.h"

namespace chrysalis::program {

Result<> run_standalone(const StandaloneOptions& options,
                        const Surroundings& around, Signals& signals);

}  // namespace chrysalis::program
