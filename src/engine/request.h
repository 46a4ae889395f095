#pragma once

// What the engine can be asked to do with one VM or snapshot. PURE: data.
// A request says what to reach; the order of steps is in machine/.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "src/base/clock.h"
#include "src/model/fields.h"

namespace chrysalis::engine {

// One row of the journal names one of these.
enum class Kind : uint8_t {
  kBoot,            // first cold boot, from an image
  kStart,           // later cold boot
  kStop,            // ask the guest, then shut down, then kill
  kPause,           // the user's pause: recorded
  kResume,          // and its end
  kRestart,         // stop, then a cold boot
  kSnapshot,        // of a running or paused VM
  kClone,           // a new VM from a snapshot
  kRestore,         // in place, two-phase
  kDeleteVm,        // end it and remove its data
  kDeleteSnapshot,  // remove or retain the directory
  kImport,          // take a directory in as a snapshot
  kReap,            // internal: a VMM or guest ended by itself
};
std::string_view to_string(Kind kind);  // "Boot"

// The configuration is the assembled one (model/inherit.h), but for what only
// the image can say: the engine fills imageDigest and imageType.
// power kStopped: made and recorded, not started.
struct BootRequest {
  std::string ns, name;
  model::VmConfig config;
  model::VmSources sources;
  model::PowerState power = model::PowerState::kRunning;
  // Recorded as done once it ran: a first start satisfies the attempt that
  // was given with it. 0: none.
  uint64_t restart_attempt = 0;
};

// A cold boot of a VM that has a record. A staged clone that never ran is
// loaded instead: its first start is always the load.
struct StartRequest {
  model::VmConfig config;
  model::VmSources sources;
  model::PowerState power = model::PowerState::kRunning;
  // After an exit by itself: counts in the record's `restarts`.
  bool by_policy = false;
  uint64_t restart_attempt = 0;  // as in BootRequest: it is a cold boot
};

struct StopRequest {
  seconds grace{30};
};
struct PauseRequest {};
struct ResumeRequest {};

// Stop and cold boot as one; recorded so that an attempt is done once.
struct RestartRequest {
  uint64_t attempt = 0;
  seconds grace{30};
  model::VmConfig config;
  model::VmSources sources;
  model::PowerState power = model::PowerState::kRunning;
};

// In the lane of the VM; the result is SnapshotView of `snapshot_uid`.
struct SnapshotRequest {
  std::string snapshot_uid, ns, name;
};

struct CloneRequest {
  std::string ns, name;
  std::string snapshot_uid;
  model::VmWish wish;
  bool on_demand = false;
  std::string manifest_digest;  // empty: any
  model::PowerState power = model::PowerState::kRunning;
  uint64_t restart_attempt = 0;  // as in BootRequest
};

struct RestoreRequest {
  std::string snapshot_uid;
  uint64_t attempt = 0;
  bool on_demand = false;
  bool allow_foreign = false;
  std::string manifest_digest;  // empty: any
  model::VmWish wish;           // the last guard refuses what may not be set
};

// The caller has seen that the object is to go: a guest that runs is asked to
// stop and has its grace, then all data is removed. Grace 0: ended at once.
struct DeleteVmRequest {
  seconds grace{0};
};

// In the lane of the snapshot's own uid.
struct DeleteSnapshotRequest {
  bool retain = false;
};
struct ImportRequest {
  std::string ns, name;   // of the snapshot object
  std::string directory;  // below IMPORT_ROOT/<ns>/
};

using Request =
    std::variant<BootRequest, StartRequest, StopRequest, PauseRequest,
                 ResumeRequest, RestartRequest, SnapshotRequest, CloneRequest,
                 RestoreRequest, DeleteVmRequest, DeleteSnapshotRequest,
                 ImportRequest>;

Kind kind_of(const Request& request);

}  // namespace chrysalis::engine
