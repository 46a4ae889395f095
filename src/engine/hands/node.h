#pragma once

// The engine of this node, put together: lock, database, launcher, backends,
// networks, images, snapshots, hands and lanes, in the order that they need.
//
// Thread-safety: as Engine; the accessors from any thread.
// Errors of open: kConflict - another agent holds this state; kCorrupt,
//   kUnsupported - the database, with what to do; kInvalid - an option;
//   kUnavailable - the disk. No VM was touched then.
// Ownership: destroying a node leaves its VMMs running; the next one adopts.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/engine/driver.h"
#include "src/engine/engine.h"
#include "src/engine/hands/reservations.h"
#include "src/model/values.h"
#include "src/store/node_db.h"
#include "src/store/paths.h"

namespace chrysalis::engine {

struct NodeOptions {
  std::filesystem::path state_dir;
  // Empty: below the state.
  std::filesystem::path image_root, import_root, network_root;
  std::filesystem::path cloud_hypervisor, firecracker;  // empty: not here
  std::filesystem::path shim;
  milliseconds max_pause{10'000};
  milliseconds max_restore_pause{500};
  bool verify_always = false;
  uint32_t max_phys_bits = 0;  // of CH guests; 0: its default
  // The host's root of cgroup v2.
  std::filesystem::path cgroups = "/sys/fs/cgroup";
  Strike strike = {};  // tests
  AskRoom room = {};   // tests; empty: this host
};

// A VMM of this node, as it was probed.
struct NodeProgram {
  model::Hypervisor kind = model::Hypervisor::kCloudHypervisor;
  std::string version;
  Reason no_snapshot = Reason::kNone;  // why it can take none
};

class Node {
 public:
  static Result<std::unique_ptr<Node>> open(const NodeOptions& options,
                                            const Clock& clock);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // REQUIRES: on_change() set and adopt() called before the first submit.
  [[nodiscard]] Engine& engine();
  [[nodiscard]] store::NodeDb& db();
  [[nodiscard]] const store::StatePaths& paths() const;

  // Those that are there; a path that names none is said in the log.
  [[nodiscard]] std::vector<NodeProgram> programs();
  // Of specs that name no network. kUnavailable, kInvalid: as the catalog's.
  [[nodiscard]] Result<std::string> first_network() const;

 private:
  struct Parts;
  explicit Node(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace chrysalis::engine
