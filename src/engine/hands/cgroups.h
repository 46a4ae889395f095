#pragma once

// What a VMM may take of the host, by cgroup v2: /chrysalis/<uid>.<generation>
// below the root, with memory.max = RAM + 128 MiB and a bound on its threads.
// One a generation, since a restore holds two VMMs of one uid for a while.
//
//   root/                      must have memory and pids in cgroup.controllers
//     chrysalis/               hands both to what is below
//       <uid>.<generation>/    one shim and its VMM
//
// Where that cannot be, confinement is none: said once, in the log, and VMs
// run all the same. A group outlives the agent, with what runs in it.
//
// Thread-safety: every method from any thread.

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "src/base/result.h"

namespace chrysalis::engine {

class Cgroups {
 public:
  explicit Cgroups(std::filesystem::path root) : root_(std::move(root)) {}

  // A group for a VMM whose guest has so much memory. Nothing: none.
  [[nodiscard]] std::optional<std::filesystem::path> make(
      const std::string& uid, uint32_t generation, uint64_t memory);

  // Ok when there is none. A group in which something lives stays.
  void remove(const std::string& uid, uint32_t generation);

 private:
  [[nodiscard]] std::filesystem::path group(const std::string& uid,
                                            uint32_t generation) const;
  [[nodiscard]] Result<> prepare() const;
  bool usable();

  const std::filesystem::path root_;
  std::once_flag probed_;
  bool usable_ = false;
};

}  // namespace chrysalis::engine
