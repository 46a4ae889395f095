#include "controller/api/enums.h"

namespace chrysalis::api {

std::string_view to_string(Truth truth) {
  switch (truth) {
    case Truth::kTrue:
      return "True";
    case Truth::kFalse:
      return "False";
    case Truth::kUnknown:
      return "Unknown";
  }
  return "";
}

std::string_view to_string(VmPhase phase) {
  switch (phase) {
    case VmPhase::kPending:
      return "Pending";
    case VmPhase::kStarting:
      return "Starting";
    case VmPhase::kRunning:
      return "Running";
    case VmPhase::kPaused:
      return "Paused";
    case VmPhase::kStopping:
      return "Stopping";
    case VmPhase::kStopped:
      return "Stopped";
    case VmPhase::kRestoring:
      return "Restoring";
    case VmPhase::kSucceeded:
      return "Succeeded";
    case VmPhase::kFailed:
      return "Failed";
    case VmPhase::kUnknown:
      return "Unknown";
  }
  return "";
}

std::string_view to_string(RestoreVerdict verdict) {
  switch (verdict) {
    case RestoreVerdict::kInProgress:
      return "InProgress";
    case RestoreVerdict::kSucceeded:
      return "Succeeded";
    case RestoreVerdict::kRefused:
      return "Refused";
    case RestoreVerdict::kRolledBack:
      return "RolledBack";
    case RestoreVerdict::kFailed:
      return "Failed";
  }
  return "";
}

std::string_view to_string(DeletionPolicy policy) {
  switch (policy) {
    case DeletionPolicy::kDelete:
      return "Delete";
    case DeletionPolicy::kRetain:
      return "Retain";
  }
  return "";
}

std::string_view to_string(SnapshotPhase phase) {
  switch (phase) {
    case SnapshotPhase::kPending:
      return "Pending";
    case SnapshotPhase::kCapturing:
      return "Capturing";
    case SnapshotPhase::kReady:
      return "Ready";
    case SnapshotPhase::kFailed:
      return "Failed";
  }
  return "";
}

}  // namespace chrysalis::api
