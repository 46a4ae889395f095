#pragma once

// Why an operation ended as it did: the engine's part of the one enumerated
// list that conditions, docs and alerts use. PURE: data.
// A reason exists only because somebody acts differently on it.

#include <cstdint>
#include <optional>
#include <string_view>

namespace chrysalis::engine {

enum class Reason : uint8_t {
  kNone,         // it succeeded
  kInterrupted,  // the agent ended in the middle; undone: ask again
  // Refused in preflight: nothing was touched.
  kInvalidConfig,              // the assembled config breaks a rule
  kImageNotFound,              // no such image below the image root
  kImageInvalid,               // it lacks a kernel, or changed its digest
  kNetworkNotFound,            // no such network on this node
  kMtuTooSmall,                // the network's MTU is below the snapshot's
  kSnapshotNotFound,           // no such snapshot on this node
  kSnapshotNotReady,           // it is not published yet
  kSnapshotHeld,               // a clone is being staged from it
  kDigestMismatch,             // its digest is not the one asked for
  kSnapshotUnsupported,        // this VMM or host can take none
  kBlockDrainMissing,          // CH before v53 pauses without draining
  kKvmNestedStateUnavailable,  // CH cannot save a vCPU on this KVM
  kSourceNotRunning,           // no running VM to take a snapshot of
  kNicSwapPending,             // the guest has not ejected its old NICs
  kForeignSnapshot,            // of another VM, and allowForeign is false
  kHypervisorMismatch,         // a snapshot of another hypervisor
  kNicCountMismatch,           // its NICs are not as many as the target's
  kOnDemandUnsupported,        // FC maps its memory file anyway
  kAttemptUsed,                // not above the highest finished attempt
  kTargetStopped,              // a restore waits until the VM runs again
  kTopologyMismatch,           // manifest, config and state file disagree
  kCorrupt,                    // a stored file failed its check
  kBinaryMissing,              // the recorded VMM binary is gone
  kInsufficientMemory,         // no head-room on the node
  kInsufficientStorage,        // no bytes for disks or memory
  kWrongState,                 // not possible in the VM's present state
  // Failed while acting; undone as far as the operation promises.
  kStagingFailed,        // directory, disk, or link
  kNetworkFailed,        // TAP, namespace, or redirect
  kSpawnFailed,          // no process, or it ended before its API answered
  kApiTimeout,           // the VMM did not answer in time
  kBootFailed,           // the VMM refused to boot
  kLoadFailed,           // the VMM refused to load the snapshot
  kPauseFailed,          // it did not pause
  kResumeFailed,         // it did not resume
  kSnapshotFailed,       // the VMM refused to dump
  kPauseBudgetExceeded,  // the guest would be, or was, paused too long
  kNotHealthy,           // loaded and resumed, then it did not stay up
  kVmmExited,            // the VMM ended in the middle
  kVmmUnkillable,        // SIGKILL did not end it in time
  kShimLost,             // its shim died: no snapshot until a cold boot
  kPublishFailed,        // hash, manifest, or rename of a snapshot
  kDatabaseFailed,       // an intent could not be made durable
  kHostRebooted,         // the host ended it, not its user
};

std::string_view to_string(Reason reason);  // "SnapshotNotFound"
std::optional<Reason> parse_reason(std::string_view text);

// Every reason, in order: for documents and their checks.
inline constexpr Reason kLastReason = Reason::kHostRebooted;

}  // namespace chrysalis::engine
