#pragma once

// Files of a generation directory that the shim makes. They are root's, and
// the directory is root's with the sticky bit, so the VMM, which may create
// files beside them, can neither replace nor remove them. Constants only.

namespace chrysalis::hypervisor {

inline constexpr const char* kLockFile = "lock";  // flock: VMM or shim live
inline constexpr const char* kExitFile = "exit.json";    // once, at the end
inline constexpr const char* kShimSocket = "shim.sock";  // pause guard
inline constexpr const char* kStdinFifo = "stdin";       // where asked for
inline constexpr const char* kLogFile = "vmm.log";       // stdout and stderr
inline constexpr const char* kConsoleFile = "console";   // drained serial

// A log or console is moved to "<name>.1" at this size: at most twice as much
// is kept.
inline constexpr long kLogLimit = 2 * 1024 * 1024;

}  // namespace chrysalis::hypervisor
