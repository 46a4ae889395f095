#pragma once

// What a preflight answers when it says no: nothing was touched. A value.

#include <string>
#include <utility>

#include "src/engine/machine/operation.h"

namespace chrysalis::engine {

inline Event refuse(Reason reason, std::string message) {
  return {Happened::kFailed, reason, std::move(message)};
}

}  // namespace chrysalis::engine
