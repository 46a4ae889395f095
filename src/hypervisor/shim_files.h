#pragma once

// What the launcher and chrysalis-shim know of each other's files. Where the
// shim writes, it is told (ShimFiles of launcher.h). Constants only.

namespace chrysalis::hypervisor {

// In the generation directory, which is root's with the sticky bit, so the
// VMM can neither replace nor remove it. flock: VMM or shim live.
inline constexpr const char* kLockFile = "lock";

// A log or console is moved to "<name>.1" at this size: at most twice as much
// is kept.
inline constexpr long kLogLimit = 2 * 1024 * 1024;

}  // namespace chrysalis::hypervisor
