#pragma once

// What the engine knows of one VM or snapshot at this moment. PURE: data, so
// that a planner can be tested with views made by hand.
// The record is what was made durable; `live` and `read_back` are what was
// seen. Thread-safety: values; records are shared and immutable.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/engine/reason.h"
#include "src/engine/request.h"
#include "src/model/fields.h"

namespace chrysalis::store {
struct VmRecord;        // src/store/records.h
struct SnapshotRecord;  // src/store/records.h
enum class RestoreResult : uint8_t;
}  // namespace chrysalis::store

namespace chrysalis::engine {

enum class Live : uint8_t {
  kAbsent,    // no record: it was never made here, or is deleted
  kStarting,  // a VMM is on its way up
  kRunning,   // its vCPUs run
  kPaused,    // a VMM with stopped vCPUs
  kStopping,  // on its way down as asked
  kStopped,   // a record and no VMM, as asked
  kEnded,     // the VMM or the guest ended by itself: see `exit`
  kShimLost,  // it runs, but its shim died: no snapshot until a cold boot
};
std::string_view to_string(Live live);

// A VMM with a guest is there: it runs, is paused, or has lost its shim.
bool is_up(Live live);
// What a VM that is `now` is seen as while such an operation is on its way.
Live live_during(Kind kind, Live now);

// How a VMM ended by itself.
struct ExitView {
  Wall at{};
  std::string reason;  // "GuestPoweredOff", "GuestReset", "VmmKilled", ...
  int code = 0;
  bool clean = false;  // the guest asked for it
};

struct InFlight {
  Kind kind = Kind::kBoot;
  std::string step;  // "Load": for people and logs
  Wall since{};
  uint64_t attempt = 0;      // restart, restore
  std::string snapshot_uid;  // snapshot, clone, restore
};

struct Outcome {
  Kind kind = Kind::kBoot;
  uint64_t attempt = 0;
  std::string snapshot_uid;
  bool ok = false;
  bool refused = false;  // nothing was touched
  Reason reason = Reason::kNone;
  std::string message;                          // for people; names values
  std::optional<store::RestoreResult> restore;  // only of a restore
  milliseconds pause{0};  // how long the guest stood still
  Wall started{}, finished{};
};

struct GuestNic {
  std::string id, mac, guest_mac;  // guest_mac: what the guest really has
};

struct VmView {
  std::string uid;
  std::shared_ptr<const store::VmRecord> record;  // null: kAbsent
  Live live = Live::kAbsent;
  // A former agent left it and nobody has looked at it yet: `live` says
  // nothing, and no operation is taken. Its end is told as a change.
  bool adopting = false;
  std::optional<ExitView> exit;              // when kEnded
  std::optional<InFlight> running;           // the operation in flight
  std::optional<Outcome> last;               // of the last operation that ended
  std::optional<model::VmConfig> read_back;  // only while a VMM is up
  std::vector<GuestNic> nics;
};

struct SnapshotView {
  std::string uid;
  std::shared_ptr<const store::SnapshotRecord> record;  // null: unknown
  bool ready = false;
  std::optional<InFlight> running;  // being taken, imported or deleted
  std::optional<Outcome> last;
};

}  // namespace chrysalis::engine
