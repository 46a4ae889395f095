#pragma once

// The shares that are not ours, each timed alone: what the VMM takes with
// everything laid ready, what copying its disk takes, what the kernel takes
// for its network.
// Thread-safety: one thread. Errors: of what failed, with a context.
// Ownership: what a call makes is gone when it returns.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/store/records.h"
#include "tests/bench/drive/node_setup.h"
#include "tests/bench/drive/raw_vmm.h"

namespace chrysalis::bench {

struct RawTimes {
  double disk_ms = 0;      // copy (or reflink), grow and fsync of the disk
  bool reflink = false;    // of that copy
  double network_ms = 0;   // namespace, uplink, TAP, redirect
  double host_cpu_ms = 0;  // CPU of both, of this process: the kernel's mostly
  double vmm_ms = 0;       // exec of the program ... the guest runs
};

class RawRun {
 public:
  // root: a directory of its own, on the file system of the engine's state.
  RawRun(const Programs& programs, std::filesystem::path root,
         std::filesystem::path images);

  // A first boot: exec, its API, create, boot.
  Result<RawTimes> boot(model::Hypervisor kind);
  // A load of this snapshot with its own NIC: exec, its API, load, resume.
  Result<RawTimes> load(const std::filesystem::path& snapshot,
                        const store::SnapshotRecord& record);
  // How long a guest stands still for dump and copy of its disk, each time:
  // from the answer to pause until the answer to resume.
  Result<std::vector<double>> pauses(model::Hypervisor kind, int times);

 private:
  struct Place;
  [[nodiscard]] const hypervisor::Backend& backend(
      model::Hypervisor kind) const;
  Result<std::unique_ptr<RawVmm>> booted(model::Hypervisor kind,
                                         const Place& place, RawTimes& times);

  const Programs& programs_;
  const std::filesystem::path root_, images_;
  std::unique_ptr<hypervisor::Backend> cloud_hypervisor_, firecracker_;
  int next_ = 0;
};

}  // namespace chrysalis::bench
