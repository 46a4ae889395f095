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

bool is_up(Live live) {
  switch (live) {
    case Live::kRunning:
    case Live::kPaused:
    case Live::kShimLost:
      return true;
    case Live::kAbsent:
    case Live::kStarting:
    case Live::kStopping:
    case Live::kStopped:
    case Live::kEnded:
      return false;
  }
  return false;
}

Live live_during(Kind kind, Live now) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kClone:
      return Live::kStarting;
    case Kind::kStop:
    case Kind::kRestart:
    case Kind::kDeleteVm:
      return Live::kStopping;
    case Kind::kPause:
    case Kind::kResume:
    case Kind::kSnapshot:
    case Kind::kRestore:
    case Kind::kDeleteSnapshot:
    case Kind::kImport:
    case Kind::kReap:
      return now;
  }
  return now;
}

}  // namespace chrysalis::engine
