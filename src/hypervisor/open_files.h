#pragma once

// The regular files that a process has open, as the kernel says: what a VMM
// was told to open may not be what lies under that path in its own root.
// Source: proc(5), /proc/PID/fd (a magic link leads to the file itself, also
//   across namespaces) and /proc/PID/fdinfo.
//
// Thread-safety: no shared state.
// Errors: kNotFound - no such process; kUnavailable - not ours to look at. A
//   descriptor that is closed meanwhile is left out.
// REQUIRES: the caller holds a pidfd, and asks afterwards whether it ended:
//   else the pid may have been another's.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace chrysalis::hypervisor {

struct OpenFile {
  uint64_t device = 0, inode = 0;
  uint64_t links = 0;  // 0: it has no name (a memfd, a removed file)
  bool writable = false;
  std::string shown;  // as the process sees its path: for people
};

[[nodiscard]] Result<std::vector<OpenFile>> open_files(pid_t pid);

}  // namespace chrysalis::hypervisor
