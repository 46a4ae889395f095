#pragma once

// The engine of this node, opened as the flags say.
// Errors: those of engine::Node::open, and kInvalid, kNotFound with what to
//   pass. Nothing was touched then.

#include <memory>

#include "controller/program/options.h"
#include "controller/program/surroundings.h"
#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/engine/hands/node.h"

namespace chrysalis::program {

Result<std::unique_ptr<engine::Node>> open_node(const NodeFlags& flags,
                                                const Surroundings& around,
                                                const Clock& clock);

}  // namespace chrysalis::program
