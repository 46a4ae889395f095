#pragma once

// The enumerations that the two kinds say beside those of the model: the
// schema lists their names, the codec reads and writes them. PURE.

#include <cstdint>
#include <string_view>

namespace chrysalis::api {

// status of a condition
enum class Truth : uint8_t { kTrue, kFalse, kUnknown };
inline constexpr Truth kTruths[] = {Truth::kTrue, Truth::kFalse,
                                    Truth::kUnknown};
std::string_view to_string(Truth truth);  // "True"

// status.phase of a VirtualMachine
enum class VmPhase : uint8_t {
  kPending,
  kStarting,
  kRunning,
  kPaused,
  kStopping,
  kStopped,
  kRestoring,
  kSucceeded,
  kFailed,
  kUnknown,
};
inline constexpr VmPhase kVmPhases[] = {
    VmPhase::kPending,   VmPhase::kStarting,  VmPhase::kRunning,
    VmPhase::kPaused,    VmPhase::kStopping,  VmPhase::kStopped,
    VmPhase::kRestoring, VmPhase::kSucceeded, VmPhase::kFailed,
    VmPhase::kUnknown};
std::string_view to_string(VmPhase phase);

// status.restore.result
enum class RestoreVerdict : uint8_t {
  kInProgress,
  kSucceeded,
  kRefused,
  kRolledBack,
  kFailed,
};
inline constexpr RestoreVerdict kRestoreVerdicts[] = {
    RestoreVerdict::kInProgress, RestoreVerdict::kSucceeded,
    RestoreVerdict::kRefused, RestoreVerdict::kRolledBack,
    RestoreVerdict::kFailed};
std::string_view to_string(RestoreVerdict verdict);

// spec.deletionPolicy of a VMSnapshot
enum class DeletionPolicy : uint8_t { kDelete, kRetain };
inline constexpr DeletionPolicy kDeletionPolicies[] = {DeletionPolicy::kDelete,
                                                       DeletionPolicy::kRetain};
std::string_view to_string(DeletionPolicy policy);

// status.phase of a VMSnapshot
enum class SnapshotPhase : uint8_t { kPending, kCapturing, kReady, kFailed };
inline constexpr SnapshotPhase kSnapshotPhases[] = {
    SnapshotPhase::kPending, SnapshotPhase::kCapturing, SnapshotPhase::kReady,
    SnapshotPhase::kFailed};
std::string_view to_string(SnapshotPhase phase);

}  // namespace chrysalis::api
