#include "src/engine/reason.h"

namespace chrysalis::engine {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kNone:
      return "None";
    case Reason::kInterrupted:
      return "Interrupted";
    case Reason::kInvalidConfig:
      return "InvalidConfig";
    case Reason::kImageNotFound:
      return "ImageNotFound";
    case Reason::kImageInvalid:
      return "ImageInvalid";
    case Reason::kNetworkNotFound:
      return "NetworkNotFound";
    case Reason::kMtuTooSmall:
      return "MtuTooSmall";
    case Reason::kSnapshotNotFound:
      return "SnapshotNotFound";
    case Reason::kSnapshotNotReady:
      return "SnapshotNotReady";
    case Reason::kSnapshotHeld:
      return "SnapshotHeld";
    case Reason::kDigestMismatch:
      return "DigestMismatch";
    case Reason::kSnapshotUnsupported:
      return "SnapshotUnsupported";
    case Reason::kBlockDrainMissing:
      return "BlockDrainMissing";
    case Reason::kKvmNestedStateUnavailable:
      return "KvmNestedStateUnavailable";
    case Reason::kSourceNotRunning:
      return "SourceNotRunning";
    case Reason::kNicSwapPending:
      return "NicSwapPending";
    case Reason::kForeignSnapshot:
      return "ForeignSnapshot";
    case Reason::kHypervisorMismatch:
      return "HypervisorMismatch";
    case Reason::kNicCountMismatch:
      return "NicCountMismatch";
    case Reason::kOnDemandUnsupported:
      return "OnDemandUnsupported";
    case Reason::kAttemptUsed:
      return "AttemptUsed";
    case Reason::kTargetStopped:
      return "TargetStopped";
    case Reason::kTopologyMismatch:
      return "TopologyMismatch";
    case Reason::kCorrupt:
      return "Corrupt";
    case Reason::kBinaryMissing:
      return "BinaryMissing";
    case Reason::kInsufficientMemory:
      return "InsufficientMemory";
    case Reason::kInsufficientStorage:
      return "InsufficientStorage";
    case Reason::kWrongState:
      return "WrongState";
    case Reason::kStagingFailed:
      return "StagingFailed";
    case Reason::kNetworkFailed:
      return "NetworkFailed";
    case Reason::kSpawnFailed:
      return "SpawnFailed";
    case Reason::kApiTimeout:
      return "ApiTimeout";
    case Reason::kBootFailed:
      return "BootFailed";
    case Reason::kLoadFailed:
      return "LoadFailed";
    case Reason::kPauseFailed:
      return "PauseFailed";
    case Reason::kResumeFailed:
      return "ResumeFailed";
    case Reason::kSnapshotFailed:
      return "SnapshotFailed";
    case Reason::kPauseBudgetExceeded:
      return "PauseBudgetExceeded";
    case Reason::kNotHealthy:
      return "NotHealthy";
    case Reason::kVmmExited:
      return "VmmExited";
    case Reason::kVmmUnkillable:
      return "VmmUnkillable";
    case Reason::kShimLost:
      return "ShimLost";
    case Reason::kPublishFailed:
      return "PublishFailed";
    case Reason::kDatabaseFailed:
      return "DatabaseFailed";
    case Reason::kHostRebooted:
      return "HostRebooted";
  }
  return "";
}

std::optional<Reason> parse_reason(std::string_view text) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(kLastReason); ++i)
    if (to_string(static_cast<Reason>(i)) == text)
      return static_cast<Reason>(i);
  return std::nullopt;
}

}  // namespace chrysalis::engine
