#include "src/engine/view.h"

namespace chrysalis::engine {

std::string_view to_string(Live live) {
  switch (live) {
    case Live::kAbsent:
      return "Absent";
    case Live::kStarting:
      return "Starting";
    case Live::kRunning:
      return "Running";
    case Live::kPaused:
      return "Paused";
    case Live::kStopping:
      return "Stopping";
    case Live::kStopped:
      return "Stopped";
    case Live::kEnded:
      return "Ended";
    case Live::kShimLost:
      return "ShimLost";
  }
  return "";
}

}  // namespace chrysalis::engine
