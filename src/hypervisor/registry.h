#pragma once

// The backends there are: one row a kind. PURE of state.

#include <memory>

#include "src/hypervisor/backend.h"

namespace chrysalis::hypervisor {

std::unique_ptr<Backend> make_backend(model::Hypervisor kind,
                                      Timeouts timeouts = {});

}  // namespace chrysalis::hypervisor
