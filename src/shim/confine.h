#pragma once

#include "src/shim/config.h"

namespace chrysalis::shim {

// What the child needs; all close-on-exec but for what it installs itself.
struct ChildFds {
  int binary;  // O_PATH
  int netns;   // -1: stay
  int gate;
  int sync;  // to the parent, see kSync*
  int report;
  int input;
  int log;
  int lock;
  int events;  // -1: none
};

// The child's words to its parent: one byte each.
inline constexpr char kSyncConfined = 'c';    // waits at the gate
inline constexpr char kSyncGateClosed = 'g';  // left without running
inline constexpr char kSyncExec = 'o';        // then end of file: it runs
inline constexpr char kSyncNoExec = 'x';      // then an int: errno

// Confines this process, waits at the gate and becomes the VMM. On any
// failure it says so on the report and exits; it is never half-confined.
[[noreturn]] void become_vmm(const Config& config, const ChildFds& fds);

// "error <errno> <step>\n", with the errno of now.
void report_error(int report, const char* step);

}  // namespace chrysalis::shim
