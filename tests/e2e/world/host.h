#pragma once

// The host that a world's node runs on: its directories below one temporary
// root, the two hypervisors, and what is really there, found without asking
// the programs under test.
//
// Simulated VMMs (tests/fakes/fake_vmm), unless CHRYSALIS_CLOUD_HYPERVISOR and
// CHRYSALIS_FIRECRACKER name the real ones and /dev/kvm opens.
// The destructor ends every VMM that is left and removes the root.
// Thread-safety: the test's main thread.

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "tests/e2e/world/program.h"

namespace chrysalis::e2e {

// What the guest keeps in its RAM, read in a snapshot's memory file.
struct Mark {
  uint32_t counter = 0;
  std::string nonce;  // of this boot
};

class Host {
 public:
  Host();
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path state() const { return root_ / "state"; }
  // A file of the programs' output, below the root.
  [[nodiscard]] std::filesystem::path log(const std::string& part) const {
    return root_ / (part + ".log");
  }
  // Of agent and standalone.
  [[nodiscard]] Words node_flags() const;

  // The VMM of each VM, by uid: who is in its network namespace.
  [[nodiscard]] std::map<std::string, pid_t> vmms();
  [[nodiscard]] Mark mark_in(const std::string& snapshot_uid) const;

  // Processes that vmms() ever saw, with their shims; directories, network
  // namespaces, devices, mounts: one line each, none where all is gone.
  // Waits, bounded, for processes that are on their way out.
  [[nodiscard]] std::vector<std::string> leftovers();

 private:
  void note(pid_t vmm);

  std::filesystem::path root_;
  bool real_ = false;
  std::map<pid_t, UniqueFd> seen_;  // VMMs and shims, by pidfd
};

// Namespaces of the test's own for networks and mounts, made once a process.
// False where they may not be made: skip, loudly.
bool enter_own_namespaces();

}  // namespace chrysalis::e2e
