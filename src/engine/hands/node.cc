#include "src/engine/hands/node.h"

#include "src/base/file_limit.h"
#include "src/base/file_system.h"
#include "src/base/log.h"
#include "src/engine/binaries.h"
#include "src/engine/hands/node_hands.h"
#include "src/engine/hands/watch_thread.h"
#include "src/engine/node_engine.h"
#include "src/hypervisor/registry.h"
#include "src/store/kept_binaries.h"
#include "src/store/state_lock.h"

namespace chrysalis::engine {
namespace {

// The group of snapshots' files, which every VMM joins. VMs count from the
// next number upwards.
constexpr uint32_t kSnapshotGid = 1'999'999;

// fallback where the option is empty.
std::filesystem::path or_else(const std::filesystem::path& given,
                              std::filesystem::path fallback) {
  return given.empty() ? std::move(fallback) : given;
}

NodeBinaries::Programs programs_of(const NodeOptions& options) {
  NodeBinaries::Programs out;
  if (!options.cloud_hypervisor.empty())
    out[model::Hypervisor::kCloudHypervisor] = options.cloud_hypervisor;
  if (!options.firecracker.empty())
    out[model::Hypervisor::kFirecracker] = options.firecracker;
  return out;
}

HandsConfig hands_config(const NodeOptions& options) {
  HandsConfig config;
  config.max_pause = options.max_pause;
  config.max_restore_pause = options.max_restore_pause;
  config.max_phys_bits = options.max_phys_bits;
  config.snapshot_gid = kSnapshotGid;
  config.first_unix_uid = kSnapshotGid + 1;
  config.room = options.room;
  config.cgroups = options.cgroups;
  return config;
}

Result<> make_dirs(FileSystem& fs, const store::StatePaths& paths) {
  std::error_code error;
  std::filesystem::create_directories(paths.root(), error);
  if (error)
    return fail(Code::kUnavailable,
                paths.root().string() + ": " + error.message());
  CHRYSALIS_TRY(fs.chmod(paths.root(), 0711));
  for (const auto& directory : {paths.vms_dir(), paths.snapshots_dir(),
                                paths.staging_dir(), paths.bin_dir()}) {
    const auto made = fs.mkdir(directory, 0711);
    if (!made && made.error().code != Code::kConflict) return made;
  }
  return {};
}

}  // namespace

// In the order in which they need each other.
struct Node::Parts {
  Parts(const NodeOptions& options, const Clock& clock, store::StatePaths p,
        store::StateLock held, std::unique_ptr<store::NodeDb> open_db,
        std::unique_ptr<WatchThread> watching, std::string boot_id)
      : paths(std::move(p)),
        lock(std::move(held)),
        db(std::move(open_db)),
        watch(std::move(watching)),
        launcher(options.shim),
        cloud_hypervisor(
            hypervisor::make_backend(model::Hypervisor::kCloudHypervisor)),
        firecracker(hypervisor::make_backend(model::Hypervisor::kFirecracker)),
        networks(or_else(options.network_root, paths.default_network_root())),
        images(or_else(options.image_root, paths.default_image_root()),
               paths.boot_files_dir()),
        kept(paths, fs, *db),
        binaries(programs_of(options), kept, hypervisor::nested_state()),
        snapshots(paths, fs, *db,
                  {options.verify_always ? store::SnapshotFiles::Verify::kAlways
                                         : store::SnapshotFiles::Verify::kOnce,
                   std::move(boot_id), kSnapshotGid}),
        hands({*db, paths, fs, clock, launcher, *cloud_hypervisor, *firecracker,
               network, networks, images, binaries, snapshots, *watch,
               hands_config(options)}),
        engine({*db, hands, clock, options.strike}) {
    watch->tell([this](const std::string& uid) { engine.look_again(uid); });
  }
  // Nobody may be told of a VM while the engine goes: news that are on their
  // way are waited for.
  ~Parts() { watch->stop(); }

  PosixFileSystem fs;
  store::StatePaths paths;
  store::StateLock lock;
  std::unique_ptr<store::NodeDb> db;
  std::unique_ptr<WatchThread> watch;
  hypervisor::Launcher launcher;
  std::unique_ptr<hypervisor::Backend> cloud_hypervisor, firecracker;
  network::VmNetwork network;
  network::NetworkCatalog networks;
  image::ImageStore images;
  store::KeptBinaries kept;
  NodeBinaries binaries;
  store::SnapshotFiles snapshots;
  NodeHands hands;
  NodeEngine engine;
};

Result<std::unique_ptr<Node>> Node::open(const NodeOptions& options,
                                         const Clock& clock) {
  if (const auto raised = raise_file_limit(); !raised)
    log::warning("as many files may be open as before",
                 {{"message", raised.error().message}});
  CHRYSALIS_ASSIGN(auto paths, store::StatePaths::open(options.state_dir,
                                                       options.import_root));
  PosixFileSystem fs;
  CHRYSALIS_TRY(make_dirs(fs, paths));
  CHRYSALIS_ASSIGN(auto lock, store::StateLock::take(paths.lock_file()));
  CHRYSALIS_ASSIGN(auto db, store::NodeDb::open(paths.node_db()));
  CHRYSALIS_ASSIGN(auto watch, WatchThread::start());
  CHRYSALIS_ASSIGN(auto boot_id, hypervisor::read_boot_id());
  return std::unique_ptr<Node>(new Node(std::make_unique<Parts>(
      options, clock, std::move(paths), std::move(lock), std::move(db),
      std::move(watch), std::move(boot_id))));
}

Node::Node(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Node::~Node() = default;

Engine& Node::engine() { return parts_->engine; }
store::NodeDb& Node::db() { return *parts_->db; }
const store::StatePaths& Node::paths() const { return parts_->paths; }

std::vector<NodeProgram> Node::programs() {
  std::vector<NodeProgram> out;
  for (const auto kind : model::kHypervisors) {
    const auto binary = parts_->binaries.configured(kind);
    if (!binary) {
      log::warning(
          "no hypervisor of this kind",
          {{"kind", to_string(kind)}, {"message", binary.error().message}});
      continue;
    }
    out.push_back({kind, binary->vmm.version, binary->no_snapshot});
  }
  return out;
}

Result<std::string> Node::first_network() const {
  CHRYSALIS_ASSIGN(const auto network, parts_->networks.first());
  return network.name;
}

}  // namespace chrysalis::engine
