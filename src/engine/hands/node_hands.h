#pragma once

// The real hands: what each action means on this host. Directories below
// STATE, VMMs behind their shims, TAPs in the VM's namespace.
//
// Thread-safety: as Hands: one uid serial, uids in parallel. What is held of a
// VM (descriptors, guard) belongs to its lane; the table has its own lock.
// Ownership: borrows everything in Deps; all of it outlives the hands.
// Destroying the hands leaves every VMM running.

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/engine/binaries.h"
#include "src/engine/hands.h"
#include "src/engine/hands/cgroups.h"
#include "src/engine/hands/dump_directory.h"
#include "src/engine/hands/reservations.h"
#include "src/engine/hands/stage_files.h"
#include "src/hypervisor/backend.h"
#include "src/hypervisor/events.h"
#include "src/hypervisor/launcher.h"
#include "src/hypervisor/pause_guard.h"
#include "src/image/image_store.h"
#include "src/network/catalog.h"
#include "src/network/vm_network.h"
#include "src/store/node_db.h"
#include "src/store/paths.h"
#include "src/store/snapshot_files.h"

namespace chrysalis::engine {

struct HandsConfig {
  milliseconds max_pause{seconds{10}};      // of a snapshot
  milliseconds max_restore_pause{500};      // of a restore's target
  milliseconds healthy_after{seconds{1}};   // after a restore's resume
  milliseconds adopt_deadline{seconds{5}};  // for an API found at the start
  uint32_t first_unix_uid = 2'000'000;      // one a VM, from here upwards
  uint32_t snapshot_gid = 0;                // 0: the VM's own group
  uint32_t max_phys_bits = 0;               // CH; 0: the VMM's default
  bool join_host_mounts = false;
  AskRoom room = {};                // empty: this host
  std::filesystem::path cgroups{};  // the root of cgroup v2; empty: none
};

// Told of a VMM that came to be held, and of one that is held no more.
class VmmWatch {
 public:
  virtual ~VmmWatch() = default;
  // pidfd: borrowed for the call. events: empty where the VMM writes none.
  virtual void watch(const std::string& uid, int pidfd,
                     const std::filesystem::path& events) = 0;
  virtual void forget(const std::string& uid) = 0;
};

class NodeHands final : public Hands {
 public:
  struct Deps {
    store::NodeDb& db;
    const store::StatePaths& paths;
    FileSystem& fs;
    const Clock& clock;
    const hypervisor::Launcher& launcher;
    const hypervisor::Backend& cloud_hypervisor;
    const hypervisor::Backend& firecracker;
    const network::VmNetwork& network;
    const network::NetworkCatalog& networks;
    const image::ImageStore& images;
    Binaries& binaries;
    store::SnapshotFiles& snapshots;
    VmmWatch& watch;
    HandsConfig config;
  };
  explicit NodeHands(Deps deps);
  ~NodeHands() override;

  tl::expected<Job, Event> prepare(const std::string& uid, uint64_t seq,
                                   const Request& request) override;
  Job prepare_reap(const std::string& uid, uint64_t seq) override;
  Event perform(Job& job, const Action& action) override;
  std::vector<store::Mutation> settle(const Job& job) override;
  [[nodiscard]] Result<> take_hold(const std::string& uid) override;
  Observed adopt(const std::string& uid, Job* job) override;
  Look look(const std::string& uid) override;
  void forget(const std::string& uid) override;

 private:
  // A VMM of one generation, as far as it is held.
  struct Guest {
    uint32_t generation = 0;  // 0: none
    std::optional<hypervisor::Launched> gated;
    std::optional<hypervisor::VmmProcess> process;
    std::optional<hypervisor::EventFile> events;
    // As `events` told so far: of the guest, and devices that it let go of.
    uint32_t reboots = 0;
    std::set<std::string> ejected;
    bool missed = false;  // of that, something
    bool found = false;   // what a former agent left is held, or is gone
    [[nodiscard]] bool exists() const { return gated || process; }
  };
  struct Held {
    Guest current, next;
    std::optional<hypervisor::PauseGuard> guard;
    std::optional<Mono> paused_at;
    std::optional<image::Image> image;  // resolved in Preflight, for Stage
    std::optional<ExitView> exit;       // of the current VMM's life
    std::optional<store::VerifiedRow> verified;  // rides with the end
    std::optional<DumpDirectory> dump;           // from Dump to Publish
    std::future<Result<>> durable;               // from Stage to Flush
  };

  using Prepared = tl::expected<Job, Event>;
  // One overload a request: facts and records (prepare.cc).
  Prepared prepare(Job job, const BootRequest& request);
  Prepared prepare(Job job, const StartRequest& request);
  Prepared prepare(Job job, const StopRequest& request);
  Prepared prepare(Job job, const PauseRequest& request);
  Prepared prepare(Job job, const ResumeRequest& request);
  Prepared prepare(Job job, const RestartRequest& request);
  Prepared prepare(Job job, const SnapshotRequest& request);
  Prepared prepare(Job job, const CloneRequest& request);
  Prepared prepare(Job job, const RestoreRequest& request);
  Prepared prepare(Job job, const DeleteVmRequest& request);
  Prepared prepare(Job job, const DeleteSnapshotRequest& request);
  Prepared prepare(Job job, const ImportRequest& request);
  Prepared prepare_power(Job job, model::PowerState to);  // while it runs
  void take_record(Job& job);
  Prepared with_record(Job job);  // of a VM that must be there
  void find_facts(Job& job);      // alive, can_ask, user_paused

  Held& held(const std::string& uid);
  Guest& guest(const Job& job, Which which);
  [[nodiscard]] const store::VmRecord& record(const Job& job,
                                              Which which) const;
  [[nodiscard]] store::GenerationPaths paths(const Job& job, Which which) const;
  [[nodiscard]] const hypervisor::Backend& backend(
      model::Hypervisor kind) const;
  [[nodiscard]] hypervisor::Vmm vmm(const Job& job, Which which);
  uint32_t take_unix_uid(const std::string& uid);
  static void hear(Guest& guest);
  store::VmRecord heard_of(store::VmRecord record);
  // What a staged clone is to be loaded from, by its own generation.
  [[nodiscard]] Result<store::SnapshotRecord> staged_snapshot(
      const store::VmRecord& record) const;

  // One function an action; files boot.cc, compare.cc, power.cc, freeze.cc,
  // remove.cc.
  Event preflight(Job& job);  // preflight.cc, load_preflight.cc
  Event preflight_first_boot(Job& job);
  Event preflight_cold_boot(Job& job);
  Event preflight_clone(Job& job);
  Event preflight_restore(Job& job);
  Event preflight_snapshot(Job& job);
  Event preflight_delete_snapshot(Job& job);
  Event preflight_import(Job& job);
  Event check_snapshot(Job& job, const std::string& digest);
  Event use_network(store::VmRecord& record);
  Event use_configured_program(store::VmRecord& record);
  // head_room.cc
  bool reflinks();
  uint64_t to_copy(uint64_t device, uint64_t bytes);
  uint64_t to_copy(const std::filesystem::path& file);
  Event reserve(const Job& job, const Room& needs);
  Event reserve_first_boot(const Job& job, const image::Image& image);
  Event reserve_cold_boot(const Job& job);
  Event reserve_load(const Job& job, bool on_demand);
  Event reserve_snapshot(const Job& job);
  milliseconds estimated_pause(const Job& job);
  Event reserve_import(const Job& job);
  Result<> stage(Job& job, Which which);
  Result<Staged> stage_boot(Job& job);
  Result<Staged> stage_load(Job& job, Which which);
  Result<> flush(Job& job);
  Result<> network_up(Job& job, Which which);
  Result<> network_down(Job& job, Which which);
  Result<> switch_network(Job& job, Which which);
  hypervisor::LaunchSpec launch_spec(const Job& job, Which which);
  Result<> spawn(Job& job, Which which, Mono deadline);
  Result<> open_gate(Job& job, Which which, Mono deadline);
  Result<> boot(Job& job);
  void record_start(Job& job);
  Result<> load(Job& job, Which which);
  Result<> compare(Job& job, Which which);  // compare.cc
  Result<> own_files(Job& job, Which which);
  Result<> pause(Job& job, Which which);
  Result<> resume(Job& job, Which which);
  Result<> arm_guard(Job& job, Mono deadline);
  Event disarm_guard(Job& job, Mono deadline);
  Result<> dump(Job& job);
  Result<> copy_disks(Job& job, Mono deadline);
  Result<> inspect(Job& job);
  Result<> publish(Job& job);
  Result<> drop_staging(Job& job);
  Result<> check_healthy(Job& job, Which which);
  Result<> ask_guest(Job& job, Mono deadline);
  Result<> shut_down(Job& job, Mono deadline);
  Result<> kill(Job& job, Which which, Mono deadline);
  Result<> read_exit(Job& job);
  Result<> remove_generation(Job& job, Which which);
  Result<> remove_vm(Job& job);
  Result<> remove_snapshot(Job& job, bool retain);
  Result<> dispatch(Job& job, const Action& action, Mono deadline);

  Result<> take_in(Job& job);
  hypervisor::ShimFiles shim_files(const store::GenerationPaths& paths) const;

  // look.cc
  // The generation's directory, if what runs in it was loaded; else nothing.
  [[nodiscard]] std::filesystem::path loaded_from(
      const store::GenerationPaths& paths, model::Hypervisor kind) const;
  void hold(const std::string& uid, Guest& guest);
  Result<> find(const std::string& uid, uint32_t generation, Guest& guest);
  static hypervisor::ProcessIds ids_of(const store::ProcessRow& row);
  Seen see_end(const std::string& uid, uint32_t generation);
  Seen see(const store::VmRecord& record, uint32_t generation, Guest& guest);
  void take_up(const std::string& uid, const store::VmRecord* record, Job& job);
  void read_back(const store::VmRecord& record, Guest& guest, Look& look);
  ExitView see_power_off(store::VmRecord& record);
  [[nodiscard]] store::VmRecord not_started(const Job& job) const;
  void settle_restore(const Job& job, std::vector<store::Mutation>& rows);

  Deps deps_;
  Cgroups cgroups_;
  Reservations reservations_;
  std::once_flag probed_;
  bool reflinks_ = false;
  mutable std::mutex mutex_;  // of the two below
  std::map<std::string, std::unique_ptr<Held>> held_;
  std::map<uint32_t, std::string> unix_uids_;  // whose each is
};

}  // namespace chrysalis::engine
