#pragma once

// What a step asks of the world: one row an action. A machine answers lists
// of these; the executor performs a list in order, stops at the first that
// does not succeed, and feeds one Happened back. PURE: data.

#include <cstdint>
#include <string_view>

#include "src/base/clock.h"
#include "src/engine/reason.h"

namespace chrysalis::engine {

// Which VMM of a uid: two exist only inside a restore.
enum class Which : uint8_t {
  kCurrent,  // of the record's generation
  kNext,     // of the generation that is to replace it
};

enum class Do : uint8_t {
  kPreflight,         // every check; touches nothing
  kStage,             // the generation: disks, links, config, vm.json
  kFlush,             // done when all that Stage made is durable
  kNetworkUp,         // namespace and TAPs of a generation
  kSpawn,             // shim and VMM, behind the closed gate
  kOpenGate,          // lets it exec; done when its API answers
  kBoot,              // create and boot
  kLoad,              // load the snapshot; leaves it paused
  kCompare,           // what it loaded is what the manifest says
  kSwapNics,          // remove the saved NICs, add fresh ones
  kPause,             // done also when it was paused
  kResume,            // done also when it was running
  kArmGuard,          // the shim resumes it when we are late or dead
  kDisarmGuard,       // answers whether the guard fired
  kDropGuard,         // like disarm, whatever it answers
  kDump,              // the VMM writes memory and devices
  kCopyDisks,         // beside the dump
  kInspect,           // the dump has the shape of its VM
  kPublish,           // punch, hash, fsync, manifest, rename
  kDropStaging,       // removes a half snapshot
  kSwitchNetwork,     // the redirect points to this VMM's TAPs
  kCheckHealthy,      // it still is as it should be after a second
  kAskGuest,          // power button; done when the guest is off
  kShutDown,          // the VMM ends by its API; done when it is gone
  kKill,              // SIGKILL; done when proven gone, or never there
  kReadExit,          // what the shim wrote when the VMM ended
  kNetworkDown,       // removes the TAPs of a generation
  kRemoveGeneration,  // removes the directory of a generation
  kRemoveVm,          // removes all data of the VM
  kRemoveSnapshot,    // unlinks it; VMs hold hard links
  kRetainSnapshot,    // moves it to the import root
  kTakeIn,            // copies and hashes an import into the staging
};
inline constexpr Do kLastDo = Do::kTakeIn;

std::string_view to_string(Do what);

struct Action {
  Do what = Do::kPreflight;
  Which vmm = Which::kCurrent;
  milliseconds deadline{0};
  friend bool operator==(const Action&, const Action&) = default;
};

// The deadline of each action where the operation does not give its own.
milliseconds default_deadline(Do what);

// The reason of a failed action, where the executor knows no better one; and
// the reason when its deadline passed.
Reason failure_of(Do what);
Reason timeout_of(Do what);

// Action with its default deadline.
Action act(Do what, Which vmm = Which::kCurrent);
Action act(Do what, Which vmm, milliseconds deadline);

}  // namespace chrysalis::engine
