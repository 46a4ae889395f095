#include "src/engine/machine/action.h"

#include <array>

namespace chrysalis::engine {
namespace {

struct Row {
  Do what;
  std::string_view name;
  milliseconds deadline;
  Reason failure;
  Reason timeout;
};

// One row an action, in the order of Do. A dump or a load of a big guest
// takes minutes; what only talks to a local process takes seconds.
constexpr std::array kRows = {
    Row{Do::kPreflight, "Preflight", seconds{600}, Reason::kInvalidConfig,
        Reason::kInvalidConfig},
    Row{Do::kStage, "Stage", seconds{600}, Reason::kStagingFailed,
        Reason::kStagingFailed},
    Row{Do::kFlush, "Flush", seconds{600}, Reason::kStagingFailed,
        Reason::kStagingFailed},
    Row{Do::kNetworkUp, "NetworkUp", seconds{30}, Reason::kNetworkFailed,
        Reason::kNetworkFailed},
    Row{Do::kSpawn, "Spawn", seconds{10}, Reason::kSpawnFailed,
        Reason::kSpawnFailed},
    Row{Do::kOpenGate, "OpenGate", seconds{10}, Reason::kSpawnFailed,
        Reason::kApiTimeout},
    Row{Do::kBoot, "Boot", seconds{60}, Reason::kBootFailed,
        Reason::kApiTimeout},
    Row{Do::kLoad, "Load", seconds{600}, Reason::kLoadFailed,
        Reason::kApiTimeout},
    Row{Do::kCompare, "Compare", seconds{10}, Reason::kTopologyMismatch,
        Reason::kApiTimeout},
    Row{Do::kSwapNics, "SwapNics", seconds{10}, Reason::kLoadFailed,
        Reason::kApiTimeout},
    Row{Do::kPause, "Pause", seconds{30}, Reason::kPauseFailed,
        Reason::kApiTimeout},
    Row{Do::kResume, "Resume", seconds{60}, Reason::kResumeFailed,
        Reason::kApiTimeout},
    Row{Do::kArmGuard, "ArmGuard", seconds{2}, Reason::kShimLost,
        Reason::kShimLost},
    Row{Do::kDisarmGuard, "DisarmGuard", seconds{2}, Reason::kShimLost,
        Reason::kShimLost},
    Row{Do::kDropGuard, "DropGuard", seconds{2}, Reason::kShimLost,
        Reason::kShimLost},
    Row{Do::kDump, "Dump", seconds{600}, Reason::kSnapshotFailed,
        Reason::kApiTimeout},
    Row{Do::kCopyDisks, "CopyDisks", seconds{600}, Reason::kSnapshotFailed,
        Reason::kSnapshotFailed},
    Row{Do::kInspect, "Inspect", seconds{10}, Reason::kSnapshotFailed,
        Reason::kApiTimeout},
    Row{Do::kPublish, "Publish", seconds{600}, Reason::kPublishFailed,
        Reason::kPublishFailed},
    Row{Do::kDropStaging, "DropStaging", seconds{60}, Reason::kStagingFailed,
        Reason::kStagingFailed},
    Row{Do::kSwitchNetwork, "SwitchNetwork", seconds{10},
        Reason::kNetworkFailed, Reason::kNetworkFailed},
    Row{Do::kCheckHealthy, "CheckHealthy", seconds{5}, Reason::kNotHealthy,
        Reason::kNotHealthy},
    Row{Do::kAskGuest, "AskGuest", seconds{30}, Reason::kApiTimeout,
        Reason::kApiTimeout},
    Row{Do::kShutDown, "ShutDown", seconds{10}, Reason::kApiTimeout,
        Reason::kApiTimeout},
    Row{Do::kKill, "Kill", seconds{10}, Reason::kVmmUnkillable,
        Reason::kVmmUnkillable},
    Row{Do::kReadExit, "ReadExit", seconds{2}, Reason::kShimLost,
        Reason::kShimLost},
    Row{Do::kNetworkDown, "NetworkDown", seconds{30}, Reason::kNetworkFailed,
        Reason::kNetworkFailed},
    Row{Do::kRemoveGeneration, "RemoveGeneration", seconds{60},
        Reason::kStagingFailed, Reason::kStagingFailed},
    Row{Do::kRemoveVm, "RemoveVm", seconds{60}, Reason::kStagingFailed,
        Reason::kStagingFailed},
    Row{Do::kRemoveSnapshot, "RemoveSnapshot", seconds{60},
        Reason::kStagingFailed, Reason::kStagingFailed},
    Row{Do::kRetainSnapshot, "RetainSnapshot", seconds{600},
        Reason::kStagingFailed, Reason::kStagingFailed},
    Row{Do::kTakeIn, "TakeIn", seconds{3600}, Reason::kStagingFailed,
        Reason::kStagingFailed},
};

constexpr bool in_order() {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<size_t>(kRows[i].what) != i) return false;
  return kRows.size() == static_cast<size_t>(kLastDo) + 1;
}
static_assert(in_order(), "one row an action, in the order of Do");

constexpr const Row& row(Do what) { return kRows[static_cast<size_t>(what)]; }

}  // namespace

std::string_view to_string(Do what) { return row(what).name; }
milliseconds default_deadline(Do what) { return row(what).deadline; }
Reason failure_of(Do what) { return row(what).failure; }
Reason timeout_of(Do what) { return row(what).timeout; }

Action act(Do what, Which vmm) { return {what, vmm, row(what).deadline}; }
Action act(Do what, Which vmm, milliseconds deadline) {
  return {what, vmm, deadline};
}

}  // namespace chrysalis::engine
