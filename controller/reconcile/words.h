#pragma once

// The words that status uses beside those of the engine (reason.h): types and
// reasons of conditions. Each stands here once. PURE.
// A reason that the engine also knows is spelled as the engine spells it.

#include <string_view>

namespace chrysalis::reconcile {

namespace condition {
// Of both kinds.
inline constexpr std::string_view kReady = "Ready";
inline constexpr std::string_view kReconciling = "Reconciling";
inline constexpr std::string_view kStalled = "Stalled";
// Of a VirtualMachine.
inline constexpr std::string_view kRunning = "Running";
inline constexpr std::string_view kFinished = "Finished";
inline constexpr std::string_view kRestartRequired = "RestartRequired";
inline constexpr std::string_view kResourcesInherited = "ResourcesInherited";
inline constexpr std::string_view kRestoreSucceeded = "RestoreSucceeded";
inline constexpr std::string_view kSnapshotSupported = "SnapshotSupported";
inline constexpr std::string_view kGuestNetworkReady = "GuestNetworkReady";
}  // namespace condition

namespace reason {
// As asked.
inline constexpr std::string_view kRunning = "Running";
inline constexpr std::string_view kPausedAsRequested = "PausedAsRequested";
inline constexpr std::string_view kStoppedAsRequested = "StoppedAsRequested";
inline constexpr std::string_view kCompleted = "Completed";
inline constexpr std::string_view kCaptured = "Captured";
inline constexpr std::string_view kImported = "Imported";
// On the way.
inline constexpr std::string_view kScheduled = "Scheduled";
inline constexpr std::string_view kStarting = "Starting";
inline constexpr std::string_view kStopping = "Stopping";
inline constexpr std::string_view kPausing = "Pausing";
inline constexpr std::string_view kResuming = "Resuming";
inline constexpr std::string_view kRestarting = "Restarting";
inline constexpr std::string_view kRestoring = "Restoring";
inline constexpr std::string_view kCapturing = "Capturing";
inline constexpr std::string_view kImporting = "Importing";
inline constexpr std::string_view kDeleting = "Deleting";
inline constexpr std::string_view kInProgress = "InProgress";
// Waiting.
inline constexpr std::string_view kRestartBackOff = "RestartBackOff";
inline constexpr std::string_view kSourceNotFound = "SourceNotFound";
inline constexpr std::string_view kUnschedulable = "Unschedulable";
inline constexpr std::string_view kNodeLost = "NodeLost";
// Ended, refused.
inline constexpr std::string_view kSucceeded = "Succeeded";
inline constexpr std::string_view kFailed = "Failed";
inline constexpr std::string_view kGuestFailed = "GuestFailed";
inline constexpr std::string_view kRolledBack = "RolledBack";
inline constexpr std::string_view kRestoreOfNewVm = "RestoreOfNewVM";
inline constexpr std::string_view kSnapshotOnOtherNode = "SnapshotOnOtherNode";
// What is.
inline constexpr std::string_view kPaused = "Paused";
inline constexpr std::string_view kStopped = "Stopped";
inline constexpr std::string_view kEnded = "Ended";
inline constexpr std::string_view kNotStarted = "NotStarted";
inline constexpr std::string_view kSpecChanged = "SpecChanged";
inline constexpr std::string_view kInherited = "Inherited";
inline constexpr std::string_view kRecordDrifted = "RecordDrifted";
inline constexpr std::string_view kSupported = "Supported";
inline constexpr std::string_view kNoAnswer = "NoAnswer";
// Events alone.
inline constexpr std::string_view kForeignRestore = "ForeignRestore";
}  // namespace reason

}  // namespace chrysalis::reconcile
