// Directories, TAPs, processes: how a VMM comes up.

#include <utility>

#include "src/engine/hands/dump_check.h"
#include "src/engine/hands/node_hands.h"
#include "src/hypervisor/guest_view.h"
#include "src/store/manifest.h"
#include "src/store/record_text.h"

namespace chrysalis::engine {
namespace {

using store::VmRecord;

std::vector<std::string> taps_of(const VmRecord& record) {
  std::vector<std::string> taps;
  for (const store::Nic& nic : record.nics) taps.push_back(nic.tap);
  return taps;
}

std::vector<hypervisor::NicSpec> nic_specs(const VmRecord& record) {
  std::vector<hypervisor::NicSpec> out;
  for (const store::Nic& nic : record.nics)
    out.push_back({nic.id, nic.tap, nic.guest_mac, record.mtu});
  return out;
}

bool is_swapped(const Job& job) { return job.op.facts.swap_nics; }

hypervisor::LoadSpec load_spec(const Job& job, const VmRecord& record) {
  hypervisor::LoadSpec spec;
  spec.config = record.config;
  spec.disks = disk_specs(job.snapshot.disks);
  const auto& nics = job.snapshot.topology.nics;
  for (size_t i = 0; i < nics.size(); ++i) {
    const model::TopologyNic& saved = nics[i];
    const std::string tap =
        is_swapped(job) ? network::throwaway_tap_name(record.generation, i)
                        : network::tap_name(record.generation, i);
    spec.saved_nics.push_back({saved.id, tap, saved.mac, record.mtu});
  }
  if (is_swapped(job)) spec.fresh_nics = nic_specs(record);
  spec.on_demand = record.pending_load && record.pending_load->on_demand;
  return spec;
}

}  // namespace

Result<> NodeHands::stage(Job& job, Which which) {
  const VmRecord& record = this->record(job, which);
  const auto to = paths(job, which);
  CHRYSALIS_TRY(make_generation(deps_.fs, to, record.unix_uid));
  const bool loads =
      job.op.kind == Kind::kClone || job.op.kind == Kind::kRestore;
  CHRYSALIS_ASSIGN(Staged staged,
                   loads ? stage_load(job, which) : stage_boot(job));
  // Written once: for a human, and to rebuild the database from what is here.
  if (job.op.facts.first || loads)
    staged.vm_json = to_text(record);
  else
    job.outcomes.emplace_back(record);  // what is about to run
  // On a thread of its own; where none is left, when it is waited for.
  held(job.uid).durable =
      std::async([&fs = deps_.fs, to, staged = std::move(staged)] {
        return make_durable(fs, to, staged);
      });
  return {};
}

// Nothing was staged where a clone's files lay ready.
Result<> NodeHands::flush(Job& job) {
  auto& durable = held(job.uid).durable;
  return durable.valid() ? durable.get() : Result<>{};
}

// A first boot makes the disks; a later one keeps them and lets one grow.
Result<Staged> NodeHands::stage_boot(Job& job) {
  const auto to = paths(job, Which::kCurrent);
  std::vector<std::filesystem::path> stale = {to.exit_status()};
  job.after.ejecting.clear();  // no device is left of the VMMs before it
  // What the guest did in them is counted apart.
  job.after.guest_reboots_before = job.after.guest_reboots;
  // Of a load before it: read-back believes them while they are there.
  for (const auto name :
       hypervisor::dump_files(job.after.config.hypervisor).names)
    if (!name.empty()) stale.push_back(to.file(name));
  for (const auto& path : stale) CHRYSALIS_TRY(unlink_any(deps_.fs, path));
  const store::Disk& root = job.after.disks.at(0);
  const Staged staged{.files = {to.file(root.file)}, .vm_json = {}};
  if (!job.op.facts.first) {
    CHRYSALIS_ASSIGN(auto disk, deps_.fs.open(to.file(root.file),
                                              FileSystem::Mode::kReadWrite));
    CHRYSALIS_ASSIGN(const FileStat stat, disk->stat());
    if (stat.size < root.bytes) CHRYSALIS_TRY(disk->resize(root.bytes));
    return staged;
  }
  const auto& image = held(job.uid).image;
  if (!image) return fail(Code::kUnavailable, "the image was not resolved");
  CHRYSALIS_TRY(deps_.images.place_boot_files(*image, to.directory));
  CHRYSALIS_TRY(deps_.images.make_disk(*image, to.file(root.file), root.bytes,
                                       job.after.unix_uid));
  return staged;
}

Result<Staged> NodeHands::stage_load(Job& job, Which which) {
  const VmRecord& record = this->record(job, which);
  const auto to = paths(job, which);
  CHRYSALIS_ASSIGN(
      Staged staged,
      stage_snapshot(deps_.fs, deps_.paths.snapshot(job.snapshot_uid), to,
                     job.snapshot, record.unix_uid));
  // The snapshot may be gone when a clone that was asked to be Stopped is
  // started: what its load needs to know lies beside what it needs to have.
  if (record.power == model::PowerState::kStopped)
    CHRYSALIS_TRY(durable_replace(deps_.fs, to.file(store::kSnapshotRecordFile),
                                  to_text(job.snapshot)));
  CHRYSALIS_TRY(backend(record.config.hypervisor)
                    .prepare_load(to.directory, load_spec(job, record)));
  return staged;
}

Result<> NodeHands::network_up(Job& job, Which which) {
  const VmRecord& record = this->record(job, which);
  network::NetworkSpec spec{record.nics.size(), record.mtu, {}, {}};
  for (const std::string& tap : taps_of(record))
    spec.taps.push_back({tap, record.mtu, record.unix_uid});
  if (is_swapped(job))
    for (size_t i = 0; i < job.snapshot.topology.nics.size(); ++i)
      spec.taps.push_back({network::throwaway_tap_name(record.generation, i),
                           record.mtu, record.unix_uid});
  // Of the next one, the commit switches.
  if (which == Which::kCurrent) spec.tied = taps_of(record);
  return deps_.network.ensure(job.uid, spec);
}

// Outside a restore the whole network goes with the VMM. Within one, those go
// too that the saved NICs of a swap opened, in this load or an earlier one.
Result<> NodeHands::network_down(Job& job, Which which) {
  if (job.op.kind != Kind::kRestore) return deps_.network.teardown(job.uid);
  const VmRecord& record = this->record(job, which);
  std::vector<std::string> taps = taps_of(record);
  for (size_t i = 0; i < record.nics.size(); ++i)
    taps.push_back(network::throwaway_tap_name(record.generation, i));
  return deps_.network.remove_taps(job.uid, taps);
}

Result<> NodeHands::switch_network(Job& job, Which which) {
  const bool to_new = which == Which::kNext;
  return deps_.network.switch_redirect(
      job.uid, taps_of(to_new ? job.before : job.after),
      taps_of(to_new ? job.after : job.before));
}

hypervisor::LaunchSpec NodeHands::launch_spec(const Job& job, Which which) {
  const VmRecord& record = this->record(job, which);
  const model::Hypervisor kind = record.config.hypervisor;
  const auto to = paths(job, which);
  hypervisor::LaunchSpec spec;
  spec.argv = backend(kind).argv();
  spec.generation = to.directory;
  spec.netns = deps_.network.netns_path(job.uid);
  spec.unix_uid = record.unix_uid;
  spec.shared_gid = deps_.config.snapshot_gid;
  spec.join_host_mounts = deps_.config.join_host_mounts;
  spec.cgroup =
      cgroups_.make(job.uid, record.generation, record.config.memory.count)
          .value_or("");
  spec.files = shim_files(to);
  if (hypervisor::capabilities(kind).console_is_socket) {
    spec.files.stdin_fifo.clear();
    spec.serial_socket = hypervisor::kSerialSocket;
  }
  if (!hypervisor::capabilities(kind).event_file) spec.files.events.clear();
  spec.api_socket = hypervisor::kApiSocket;
  spec.resume_request = hypervisor::wire_format(backend(kind).resume_request());
  return spec;
}

Result<> NodeHands::spawn(Job& job, Which which, Mono deadline) {
  const VmRecord& record = this->record(job, which);
  CHRYSALIS_ASSIGN(const Binary binary,
                   deps_.binaries.kept(record.config.hypervisor, record.vmm));
  // Of a VMM that ended here: no VMM binds a socket whose name is taken.
  const auto to = paths(job, which);
  for (const auto& path : {to.api_socket(), to.serial_socket(), to.events()})
    CHRYSALIS_TRY(unlink_any(deps_.fs, path));
  hypervisor::LaunchSpec spec = launch_spec(job, which);
  spec.binary = binary.path;
  CHRYSALIS_ASSIGN(auto launched, deps_.launcher.spawn(spec, deadline));
  const hypervisor::ProcessIds ids = launched.ids();
  store::ProcessRow row;
  row.vm_uid = job.uid;
  row.generation = record.generation;
  row.shim_pid = ids.shim.pid;
  row.shim_start = ids.shim.start;
  row.vmm_pid = ids.vmm.pid;
  row.vmm_start = ids.vmm.start;
  row.boot_id = ids.boot_id;
  job.outcomes.emplace_back(std::move(row));
  Guest& g = guest(job, which);
  if (which == Which::kCurrent) held(job.uid).exit.reset();
  g.generation = record.generation;
  g.process.reset();
  g.events.reset();
  g.reboots = 0;
  g.ejected.clear();
  g.gated.emplace(std::move(launched));
  if (which == Which::kCurrent || job.op.kind == Kind::kRestore)
    job.after.boot_id = ids.boot_id;
  if (job.op.kind != Kind::kClone && job.op.kind != Kind::kRestore)
    record_start(job);
  return {};
}

Result<> NodeHands::open_gate(Job& job, Which which, Mono deadline) {
  Guest& g = guest(job, which);
  if (g.gated) {
    auto launched = std::move(*g.gated);
    g.gated.reset();
    CHRYSALIS_ASSIGN(auto process, hypervisor::Launcher::open_gate(
                                       std::move(launched), deadline));
    g.process.emplace(std::move(process));
    if (which == Which::kCurrent) hold(job.uid, g);
  }
  if (!g.process) return fail(Code::kUnavailable, "the VMM is gone");
  const auto version = backend(record(job, which).config.hypervisor)
                           .ready(vmm(job, which), deadline);
  if (!version) return tl::unexpected(version.error());
  return {};
}

// Rides with the intent that may start vCPUs: a successor that finds only the
// intent takes the guest for one that ran.
void NodeHands::record_start(Job& job) {
  job.after.first_booted = true;
  job.after.pending_load.reset();
  job.after.started_at = deps_.clock.wall();
  job.outcomes.emplace_back(job.after);
}

Result<> NodeHands::boot(Job& job) {
  const VmRecord& record = job.after;
  hypervisor::BootSpec spec;
  spec.config = record.config;
  spec.cmdline = record.cmdline;
  spec.has_initrd = record.has_initrd;
  spec.disks = disk_specs(record.disks);
  spec.nics = nic_specs(record);
  if (record.max_phys_bits != 0) spec.max_phys_bits = record.max_phys_bits;
  CHRYSALIS_TRY(
      backend(record.config.hypervisor).boot(vmm(job, Which::kCurrent), spec));
  job.after.first_booted = true;
  job.after.started_at = deps_.clock.wall();
  return {};
}

Result<> NodeHands::load(Job& job, Which which) {
  const VmRecord& record = this->record(job, which);
  CHRYSALIS_ASSIGN(hypervisor::Loaded loaded,
                   backend(record.config.hypervisor)
                       .load(vmm(job, which), load_spec(job, record)));
  job.after.ejecting = std::move(loaded.ejecting);
  job.after.first_booted = true;
  job.after.pending_load.reset();
  job.after.started_at = deps_.clock.wall();
  return {};
}

}  // namespace chrysalis::engine
