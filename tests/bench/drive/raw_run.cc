#include "tests/bench/drive/raw_run.h"

#include <utility>

#include "src/base/file_system.h"
#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/registry.h"
#include "src/network/vm_network.h"
#include "tests/bench/drive/stopwatch.h"

namespace chrysalis::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMac = "02:00:00:00:00:01";

Result<> copy_disk(const fs::path& from, const fs::path& to, RawTimes& times) {
  PosixFileSystem files;
  const double cpu = cpu_ms();
  const Stopwatch watch;
  CHRYSALIS_ASSIGN(const auto cloned, files.clone_file(from, to, 0600));
  CHRYSALIS_ASSIGN(auto disk,
                   files.open(to, FileSystem::Mode::kReadWrite, 0600));
  CHRYSALIS_TRY(disk->resize(kDiskBytes));
  CHRYSALIS_TRY(disk->sync());
  times.disk_ms = watch.ms();
  times.host_cpu_ms += cpu_ms() - cpu;
  times.reflink = cloned == FileSystem::Cloned::kReflink;
  return {};
}

Result<> link(const fs::path& from, const fs::path& to) {
  PosixFileSystem files;
  return files.link(from, to);
}

hypervisor::BootSpec boot_spec(model::Hypervisor kind, const Programs& programs,
                               const std::string& tap) {
  hypervisor::BootSpec spec;
  spec.config = config_of(kind);
  spec.disks = {{hypervisor::disk_id(0), "disk0", false}};
  spec.nics = {{hypervisor::nic_id(0), tap, kMac, kMtu}};
  if (programs.max_phys_bits != 0) spec.max_phys_bits = programs.max_phys_bits;
  return spec;
}

}  // namespace

// A directory and a network namespace for one VMM.
struct RawRun::Place {
  fs::path directory;
  std::string uid;
  std::string tap = network::tap_name(1, 0);
  network::VmNetwork network{};

  Place(const fs::path& root, int n)
      : directory(root / ("raw-" + std::to_string(n))),
        uid("raw-" + std::to_string(n)) {}
  ~Place() {
    (void)network.teardown(uid);
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    fs::remove(directory.string() + ".console", ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  Result<> make(RawTimes& times) const {
    std::error_code error;
    fs::create_directories(directory, error);
    const double cpu = cpu_ms();
    const Stopwatch watch;
    CHRYSALIS_TRY(network.ensure(uid, {1, kMtu, {{tap, kMtu, 0}}, {tap}}));
    times.network_ms = watch.ms();
    times.host_cpu_ms += cpu_ms() - cpu;
    return {};
  }
  [[nodiscard]] RawSpec spec(const fs::path& binary) const {
    return {binary, directory, network.netns_path(uid)};
  }
};

RawRun::RawRun(const Programs& programs, fs::path root, fs::path images)
    : programs_(programs),
      root_(std::move(root)),
      images_(std::move(images)),
      cloud_hypervisor_(
          hypervisor::make_backend(model::Hypervisor::kCloudHypervisor)),
      firecracker_(hypervisor::make_backend(model::Hypervisor::kFirecracker)) {}

const hypervisor::Backend& RawRun::backend(model::Hypervisor kind) const {
  return kind == model::Hypervisor::kCloudHypervisor ? *cloud_hypervisor_
                                                     : *firecracker_;
}

Result<std::unique_ptr<RawVmm>> RawRun::booted(model::Hypervisor kind,
                                               const Place& place,
                                               RawTimes& times) {
  CHRYSALIS_TRY(place.make(times));
  const fs::path image = images_ / image_of(kind);
  CHRYSALIS_TRY(link(image / "kernel", place.directory / "kernel"));
  CHRYSALIS_TRY(
      copy_disk(image / "disk.raw", place.directory / "disk0", times));
  const auto& vm = backend(kind);
  const auto spec = boot_spec(kind, programs_, place.tap);
  CHRYSALIS_ASSIGN(auto vmm, RawVmm::hold(vm, place.spec(programs_.of(kind))));
  const Stopwatch watch;
  CHRYSALIS_TRY(vmm->run());
  CHRYSALIS_TRY(vm.boot(vmm->vmm(), spec));
  times.vmm_ms = watch.ms();
  return vmm;
}

Result<RawTimes> RawRun::boot(model::Hypervisor kind) {
  const Place place(root_, next_++);
  RawTimes times;
  CHRYSALIS_TRY(booted(kind, place, times));
  return times;
}

Result<RawTimes> RawRun::load(const fs::path& snapshot,
                              const store::SnapshotRecord& record) {
  const model::Hypervisor kind = record.config.hypervisor;
  const Place place(root_, next_++);
  RawTimes times;
  CHRYSALIS_TRY(place.make(times));
  const auto dumped = hypervisor::dump_files(kind);
  for (const std::string_view name : dumped.names) {
    if (name.empty()) continue;
    // As it lies in the snapshot: punched, where a copy would be dense.
    if (name == dumped.memory) {
      CHRYSALIS_TRY(link(snapshot / name, place.directory / name));
      continue;
    }
    std::error_code error;
    fs::copy_file(snapshot / name, place.directory / name, error);
  }
  CHRYSALIS_TRY(link(snapshot / "kernel", place.directory / "kernel"));
  hypervisor::LoadSpec spec;
  spec.config = record.config;
  for (const store::Disk& disk : record.disks) {
    CHRYSALIS_TRY(
        copy_disk(snapshot / disk.file, place.directory / disk.file, times));
    spec.disks.push_back({disk.id, disk.file, disk.readonly});
  }
  for (const model::TopologyNic& nic : record.topology.nics)
    spec.saved_nics.push_back({nic.id, place.tap, nic.mac, kMtu});
  const auto& vm = backend(kind);
  CHRYSALIS_TRY(vm.prepare_load(place.directory, spec));
  CHRYSALIS_ASSIGN(auto vmm, RawVmm::hold(vm, place.spec(programs_.of(kind))));
  const Stopwatch watch;
  CHRYSALIS_TRY(vmm->run());
  CHRYSALIS_TRY(vm.load(vmm->vmm(), spec));
  CHRYSALIS_TRY(vm.resume(vmm->vmm()));
  times.vmm_ms = watch.ms();
  return times;
}

Result<std::vector<double>> RawRun::pauses(model::Hypervisor kind, int times) {
  const Place place(root_, next_++);
  RawTimes ignored;
  CHRYSALIS_ASSIGN(const auto vmm, booted(kind, place, ignored));
  const auto& vm = backend(kind);
  PosixFileSystem files;
  std::vector<double> out;
  for (int i = 0; i < times; ++i) {
    const std::string name = "dump-" + std::to_string(i);
    const fs::path dump = place.directory / name;
    CHRYSALIS_TRY(files.mkdir(dump, 0700));
    CHRYSALIS_TRY(vm.pause(vmm->vmm()));
    const Stopwatch watch;
    CHRYSALIS_TRY(vm.dump(vmm->vmm(), name));
    CHRYSALIS_TRY(
        files.clone_file(place.directory / "disk0", dump / "disk0", 0600));
    CHRYSALIS_TRY(vm.resume(vmm->vmm()));
    out.push_back(watch.ms());
    CHRYSALIS_TRY(files.remove_tree(dump));
  }
  return out;
}

}  // namespace chrysalis::bench
