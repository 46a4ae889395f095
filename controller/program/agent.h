#pragma once

// `chrysalis agent`: runs the VMs that are placed on this node. Without its
// API server it goes on as it stands, and tries again.
// Blocks until a signal; the VMs run on, the next agent adopts them.
// Errors: only of the start, with what to do; no VM was touched then.

#include "controller/program/options.h"
#include "controller/program/signals.h"
#include "controller/program/surroundings.h"
#include "src/base/result.h"

namespace chrysalis::program {

Result<> run_agent(const AgentOptions& options, const Surroundings& around,
                   Signals& signals);

}  // namespace chrysalis::program
