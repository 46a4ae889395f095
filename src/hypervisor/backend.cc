#include "src/hypervisor/backend.h"

namespace chrysalis::hypervisor {

std::string_view to_string(VmmState state) {
  switch (state) {
    case VmmState::kNotStarted:
      return "not started";
    case VmmState::kRunning:
      return "running";
    case VmmState::kPaused:
      return "paused";
    case VmmState::kEnded:
      return "ended";
  }
  return "unknown";
}

}  // namespace chrysalis::hypervisor
