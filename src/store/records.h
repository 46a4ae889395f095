#pragma once

// The rows of the node database (node_db.h): plain values, no behaviour.
// Rules: a record says what was decided or read back, never what is wished
// for; it is written before the effect it describes. Fields may be added, with
// a default that means "as before", never renamed or given another meaning:
// tests/golden holds rows of older versions that must load for ever.
// Thread-safety: values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/model/fields.h"
#include "src/model/topology.h"
#include "src/model/values.h"

namespace chrysalis::store {

struct Nic {
  std::string id;         // the VMM's: frozen in the topology; never reused
  std::string tap;        // host device of the current generation
  std::string mac;        // ours: what status and the network say
  std::string guest_mac;  // what the guest has (FC clone: the source's)
  friend bool operator==(const Nic&, const Nic&) = default;
};

struct Disk {
  std::string id;    // the VMM's: frozen in the topology
  std::string file;  // in the generation directory: "disk0"
  model::DiskRole role = model::DiskRole::kRoot;
  uint64_t bytes = 0;  // apparent size
  bool readonly = false;
  friend bool operator==(const Disk&, const Disk&) = default;
};

// The one snapshot behind every value whose source is Snapshot.
struct Inherited {
  std::string snapshot;  // its name at the time
  std::string uid;
  std::string manifest_digest;
  friend bool operator==(const Inherited&, const Inherited&) = default;
};

struct Exit {
  Wall at{};
  std::string reason;  // of the enumerated list
  int code = 0;
  friend bool operator==(const Exit&, const Exit&) = default;
};

enum class RestoreResult : uint8_t {
  kInProgress,
  kSucceeded,
  kRefused,     // in preflight: nothing touched, attempt not used up
  kRolledBack,  // the old VM goes on, attempt used up
  kFailed,
};
std::string_view to_string(RestoreResult result);  // as in status
struct LastRestore {
  std::string snapshot, snapshot_uid;
  uint64_t attempt = 0;
  RestoreResult result = RestoreResult::kInProgress;
  std::string reason, message;
  Wall started_at{};
  std::optional<Wall> finished_at;
  uint64_t pause_ms = 0;
  friend bool operator==(const LastRestore&, const LastRestore&) = default;
};

// A clone that is staged but was never started (powerState Stopped): its
// first start is the load, not a boot.
struct PendingLoad {
  std::string snapshot_uid;
  bool on_demand = false;
  friend bool operator==(const PendingLoad&, const PendingLoad&) = default;
};

// The binary that runs a VM or wrote a snapshot.
struct Vmm {
  std::string version;  // as it says itself
  std::string sha256;   // names it in STATE/bin
  std::string format;   // of its snapshots, where it has one (FC)
  friend bool operator==(const Vmm&, const Vmm&) = default;
};

struct VmRecord {
  std::string uid, ns, name;
  model::VmConfig config{};  // assembled: what the current generation runs
  model::VmSources sources{};
  std::optional<Inherited> inherited;

  uint32_t generation = 0;  // directory gen-N; 0: none yet
  uint32_t unix_uid = 0;    // the VMM's user and group; 0: none yet
  std::string netns;
  uint16_t mtu = 0;
  uint32_t max_phys_bits = 0;  // CH; 0: the VMM's default
  std::vector<Nic> nics;
  // NICs that the load swapped out and the guest has not let go of: their
  // devices are still there, and a snapshot would be broken for ever.
  std::vector<std::string> ejecting;
  std::vector<Disk> disks;
  std::string cmdline;
  bool has_initrd = false;

  model::PowerState power = model::PowerState::kRunning;  // as last asked
  bool first_booted = false;  // it ran once: defaults apply no more
  std::optional<PendingLoad> pending_load;
  uint64_t restore_attempt_done = 0;  // highest that this uid finished
  uint64_t restart_attempt_done = 0;
  uint32_t restarts = 0;              // by the restart policy
  uint32_t guest_reboots = 0;         // inside its VMMs
  uint32_t guest_reboots_before = 0;  // of them, before the current VMM
  std::optional<Wall> started_at;
  std::optional<Exit> last_exit;
  std::optional<LastRestore> restore;
  std::string boot_id;  // of the host, when the generation was started
  Vmm vmm;
  friend bool operator==(const VmRecord&, const VmRecord&) = default;
};

struct SnapshotRecord {
  std::string uid, ns, name;
  std::string source_uid;      // lineage: the VM's; empty: an import
  model::VmConfig config{};    // as read back when it was taken
  model::Topology topology{};  // what the VMM froze; from its own files
  std::vector<Disk> disks;     // ids and files; sizes are apparent
  std::string cmdline;
  bool has_initrd = false;
  Vmm vmm;
  std::string cpu_model, host_kernel;
  uint64_t memory_bytes = 0, disk_bytes = 0;  // data, holes not counted
  uint64_t pause_ms = 0;
  std::string manifest_digest;  // "sha256:..."; empty until published
  Wall captured_at{};
  bool ready = false;
  friend bool operator==(const SnapshotRecord&,
                         const SnapshotRecord&) = default;
};

enum class OperationKind : uint8_t {
  kBoot,
  kClone,
  kRestore,
  kPause,
  kResume,
  kStart,
  kStop,
  kRestart,
  kSnapshot,
  kDeleteVm,
  kDeleteSnapshot,
  kImport,
};
std::string_view to_string(OperationKind kind);  // "restore"

enum class OperationState : uint8_t { kRunning, kSucceeded, kFailed };
std::string_view to_string(OperationState state);

// The journal: one row an operation, updated in place as it passes its steps.
struct OperationRow {
  std::string uid;   // the lane: of a VM, or of a snapshot (import, delete)
  uint64_t seq = 0;  // counts up in a lane; (uid, seq) is the key
  OperationKind kind = OperationKind::kBoot;
  OperationState state = OperationState::kRunning;
  std::string step;             // the last intent
  std::string detail_json;      // the step's own data; the engine's codec
  std::string reason, message;  // how it ended
  Wall started_at{}, updated_at{};
  friend bool operator==(const OperationRow&, const OperationRow&) = default;
};

// A shim and its VMM, recorded before the gate opens. A pid alone names
// nobody: start times are ticks since boot (field 22 of /proc/<pid>/stat).
struct ProcessRow {
  std::string vm_uid;  // (vm_uid, generation) is the key
  uint32_t generation = 0;
  int32_t shim_pid = 0;
  uint64_t shim_start = 0;
  int32_t vmm_pid = 0;
  uint64_t vmm_start = 0;
  std::string boot_id;
  friend bool operator==(const ProcessRow&, const ProcessRow&) = default;
};

// Keeps a snapshot's files from being unlinked while `holder` stages them.
struct HoldRow {
  std::string snapshot_uid, holder;  // the key; holder: a VM's uid
  Wall until{};
  friend bool operator==(const HoldRow&, const HoldRow&) = default;
};

// Standalone: what an API server would remember of an object.
struct IdentityRow {
  std::string kind, ns, name;  // the key
  std::string uid;
  uint64_t generation = 0;  // counts up when spec_digest changes
  std::string spec_digest;
  Wall created_at{};
  std::optional<Wall> deleted_at;  // `chrysalis delete` was accepted
  std::string manifest;  // the file that asks for it; empty: it was removed
  std::string spec;      // as last accepted, defaults filled in: JSON
  friend bool operator==(const IdentityRow&, const IdentityRow&) = default;
};

// What a file looked like when its hash was last found right. Never ctime: a
// hard link of a clone changes it.
struct FileStamp {
  std::string name;
  uint64_t device = 0, inode = 0, size = 0;
  int64_t mtime_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// `--verify once`: a snapshot's hashes were checked on this boot.
struct VerifiedRow {
  std::string snapshot_uid;  // the key
  std::string boot_id, manifest_digest;
  std::vector<FileStamp> files;
  friend bool operator==(const VerifiedRow&, const VerifiedRow&) = default;
};

}  // namespace chrysalis::store
