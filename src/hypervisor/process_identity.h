#pragma once

// Which process is meant. A pid alone names nothing: it is reused. Pid, start
// time and boot id together name one process for ever, and an open pidfd pins
// it, so a signal never reaches a stranger.
// Thread-safety: values; functions hold no state.
// Source: proc(5), field 22 of /proc/PID/stat: clock ticks since boot.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {

struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start = 0;  // clock ticks since boot
  friend bool operator==(const ProcessIdentity&,
                         const ProcessIdentity&) = default;
};

// What is recorded before a VMM may run: enough to find both again.
struct ProcessIds {
  ProcessIdentity shim;
  ProcessIdentity vmm;
  std::string boot_id;
  friend bool operator==(const ProcessIds&, const ProcessIds&) = default;
};

// /proc/sys/kernel/random/boot_id, without the newline.
Result<std::string> read_boot_id();

// Field 22 of the text of /proc/PID/stat. The name in field 2 may hold any
// byte, also ')' and newlines. kCorrupt when it is not such a text.
Result<uint64_t> parse_start_time(std::string_view stat);

Result<uint64_t> read_start_time(pid_t pid);

// A pidfd of exactly this process; kNotFound when it is gone or the pid is
// another's by now. The caller checked the boot id.
Result<UniqueFd> open_process(const ProcessIdentity& identity);

// Waits for its end; anybody may, not only the parent. kTimeout.
Result<void> wait_process(int pidfd, Mono deadline);

// Whether it has ended (a zombie has). Never blocks.
bool process_ended(int pidfd);

// kNotFound when it ended already.
Result<void> signal_process(int pidfd, int signal);

}  // namespace chrysalis::hypervisor
