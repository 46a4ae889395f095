#pragma once

// The steps of every operation, as types; the pictures are in the file of
// each operation. A step's name is what the journal holds. PURE: data.

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "src/engine/request.h"

namespace chrysalis::engine {

// boot.cc: Boot, Start and Restart.
enum class BootStep : uint8_t {
  kPreflight,  // checks; nothing is touched
  kAsk,        // Restart: the guest is asked to stop
  kShutDown,   // Restart: the VMM ends by its API
  kKill,       // Restart: by signal
  kPrepare,    // directories, disks, TAPs
  kSpawn,      // shim and VMM behind the gate, pids not yet recorded
  kRun,        // gate opens, guest boots
  kReach,      // after our death: it runs, but is not as asked yet
  kUndo,       // its VMM and its TAPs go
  kErase,      // a first boot: all that was made goes
};

// clone.cc: Clone, and (as a Clone with its files staged) its first start.
enum class CloneStep : uint8_t {
  kPreflight,
  kStage,  // generation 1 from the snapshot's files, TAPs
  kSpawn,
  kLoad,    // load paused, compare, swap NICs: no vCPU runs
  kResume,  // from this intent on it may have run
  kUndo,    // its VMM and its TAPs go
  kErase,   // what was made goes
};

// stop.cc
enum class StopStep : uint8_t {
  kAsk,
  kShutDown,
  kKill,
  kRelease,  // TAPs go
};

// stop.cc: Pause and Resume by the user.
enum class PowerStep : uint8_t { kApply };

// stop.cc: a VMM or a guest that ended by itself.
enum class ReapStep : uint8_t {
  kKill,     // CH leaves its process after a guest power-off
  kRelease,  // read the exit, TAPs go
};

// snapshot.cc
enum class SnapshotStep : uint8_t {
  kPreflight,
  kPause,    // guard armed, then paused
  kDump,     // memory, devices, disks: one instant
  kDisarm,   // did the guard fire?
  kThaw,     // the guest goes on
  kPublish,  // slow and safe: the guest runs
  kUndo,     // failed while paused: the guest goes on
  kDiscard,  // the half directory goes
};

// restore.cc
enum class RestoreStep : uint8_t {
  kPreflight,
  kStage,       // generation N+1 and its TAPs
  kSpawn,       // the new VMM behind the gate
  kLoad,        // loaded, paused, compared
  kPauseOld,    // guard armed, then the old VMM is paused
  kDisarm,      // acknowledged: from here nobody but us resumes the old
  kCommit,      // the intent alone: both stand still, the new one counts
  kSwitch,      // redirect, resume the new, healthy?
  kRetire,      // the old VMM goes, last
  kAbort,       // before the commit: the new VMM goes
  kRevive,      // before the commit: the old VMM goes on
  kRollBack,    // after the commit: the new VMM goes, proven
  kSwitchBack,  // after the commit: redirect, and the old VMM goes on
  kDropNew,     // what was made for the new generation goes
};

// remove.cc
enum class DeleteVmStep : uint8_t { kAsk, kEnd, kRelease, kRemove };
enum class DeleteSnapshotStep : uint8_t { kPreflight, kRemove };
enum class ImportStep : uint8_t { kPreflight, kTakeIn, kDiscard };

using Step = std::variant<BootStep, CloneStep, StopStep, PowerStep, ReapStep,
                          SnapshotStep, RestoreStep, DeleteVmStep,
                          DeleteSnapshotStep, ImportStep>;

std::string_view to_string(const Step& step);  // "Load"

// The step of that name in an operation of that kind; nullopt: a name that
// no version of this code journalled.
std::optional<Step> parse_step(Kind kind, std::string_view name);

// Every step of the kind, in order.
std::vector<Step> steps_of(Kind kind);

// Where an operation of that kind begins.
Step first_step(Kind kind);

}  // namespace chrysalis::engine
