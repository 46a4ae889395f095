#pragma once

// The one list of reasons that conditions, status.restore, status.lastExit
// and events use: the words here, and those of the engine (reason.h). A word
// stands in one of the two lists only; what the engine knows is spelled there.
// PURE: data.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "src/engine/reason.h"

namespace chrysalis::api {

// What the engine has no word for.
enum class StatusReason : uint8_t {
  // As asked.
  kRunning,
  kPausedAsRequested,
  kStoppedAsRequested,
  kCompleted,  // the guest ended well, and is not to be started again
  kCaptured,
  kImported,
  // On the way.
  kScheduled,  // it has a node, whose agent has not spoken yet
  kStarting,
  kStopping,
  kPausing,
  kResuming,
  kRestarting,
  kRestoring,
  kCapturing,
  kImporting,
  kDeleting,
  kInProgress,
  // Waiting.
  kRestartBackOff,  // it ended by itself and is started again later
  kSourceNotFound,  // no VM of that name to take a snapshot of
  kUnschedulable,   // no node can take it
  kNodeLost,        // its node's agent does not renew its lease
  // Ended, or refused.
  kSucceeded,
  kFailed,
  kGuestFailed,          // the guest ended badly, and is not started again
  kRolledBack,           // the restore failed and the VM is as before
  kInvalidSpec,          // the spec breaks a rule that the server let through
  kRestoreOfNewVm,       // spec.restore on a VM that has never run
  kSnapshotOnOtherNode,  // a restore places nothing
  // What is.
  kPaused,
  kStopped,
  kEnded,
  kNotStarted,
  kSpecChanged,    // the spec asks for something else than what runs
  kStorageShrink,  // it asks for a smaller disk, which never happens
  kInherited,
  kRecordDrifted,  // the record and the running VM differ
  kSupported,
  kNoAnswer,  // nothing has answered for the guest yet
  // Of events alone.
  kForeignRestore,  // a restore from another lineage, as allowed
};
inline constexpr StatusReason kLastStatusReason = StatusReason::kForeignRestore;

std::string_view to_string(StatusReason reason);  // "NodeLost"
std::optional<StatusReason> parse_status_reason(std::string_view text);

// Every word of both lists, each once; without the engine's "None".
std::span<const std::string_view> every_reason();
bool is_reason(std::string_view text);

}  // namespace chrysalis::api
