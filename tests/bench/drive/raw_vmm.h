#pragma once

// A VMM without us: its program forked and executed in a prepared directory
// and network namespace, spoken to over its socket by the bare API calls. No
// shim, no other user, no chroot, no journal. What it takes is the VMM's own
// share of what ours takes.
//
//   hold()  forked, in its namespaces, waits at a pipe    not timed
//   run()   execve ... the first answer of its API        timed by the caller
//
// Thread-safety: one thread. Errors: as Backend's; kUnavailable - the system.
// Ownership: kills and reaps the process.

#include <sys/types.h>

#include <filesystem>
#include <memory>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/hypervisor/backend.h"

namespace chrysalis::bench {

struct RawSpec {
  std::filesystem::path binary;
  std::filesystem::path directory;  // kernel, disks, dump: staged
  std::filesystem::path netns;      // with the TAPs, up
};

class RawVmm {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RawVmm>> hold(
      const hypervisor::Backend& backend, const RawSpec& spec);
  ~RawVmm();
  RawVmm(const RawVmm&) = delete;
  RawVmm& operator=(const RawVmm&) = delete;

  // Returns as soon as its socket takes a connection: asked for without a
  // pause, so that no look-again period of ours counts as the VMM's.
  [[nodiscard]] Result<> run();
  [[nodiscard]] const hypervisor::Vmm& vmm() const { return vmm_; }

 private:
  RawVmm() = default;
  pid_t pid_ = -1;
  UniqueFd gate_, pidfd_;
  hypervisor::Vmm vmm_;
};

}  // namespace chrysalis::bench
