#include "src/store/records.h"

namespace chrysalis::store {

std::string_view to_string(RestoreResult result) {
  switch (result) {
    case RestoreResult::kInProgress:
      return "InProgress";
    case RestoreResult::kSucceeded:
      return "Succeeded";
    case RestoreResult::kRefused:
      return "Refused";
    case RestoreResult::kRolledBack:
      return "RolledBack";
    case RestoreResult::kFailed:
      return "Failed";
  }
  return "";
}

std::string_view to_string(OperationState state) {
  switch (state) {
    case OperationState::kRunning:
      return "running";
    case OperationState::kSucceeded:
      return "succeeded";
    case OperationState::kFailed:
      return "failed";
  }
  return "";
}

std::string_view to_string(OperationKind kind) {
  switch (kind) {
    case OperationKind::kBoot:
      return "boot";
    case OperationKind::kClone:
      return "clone";
    case OperationKind::kRestore:
      return "restore";
    case OperationKind::kPause:
      return "pause";
    case OperationKind::kResume:
      return "resume";
    case OperationKind::kStart:
      return "start";
    case OperationKind::kStop:
      return "stop";
    case OperationKind::kRestart:
      return "restart";
    case OperationKind::kSnapshot:
      return "snapshot";
    case OperationKind::kDeleteVm:
      return "delete-vm";
    case OperationKind::kDeleteSnapshot:
      return "delete-snapshot";
    case OperationKind::kImport:
      return "import";
  }
  return "";
}

}  // namespace chrysalis::store
