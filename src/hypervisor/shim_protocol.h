#pragma once

// What the launcher and chrysalis-shim say to each other. Constants only: the
// shim links nothing of ours.
//
// Start: the shim gets three descriptors. Configuration: "key=value\0"
// records, at most kShimConfigLimit bytes, repeated keys are lists, an unknown
// key is refused. Report, lines of text:
//   error <errno> <step>\n            nothing runs; the last line
//   ready <shim pid> <start> <vmm pid> <start>\n    both wait at the gate
//   running\n                         the binary was executed; the last line
// Gate: one byte kGateOpen lets the VMM run; end of file makes it exit.
//
// Guard socket (SOCK_SEQPACKET, root only):
//   the shim speaks first: "hello", or "busy" and end of file when another
//   connection has it armed (a question before that could be lost);
//   "arm <milliseconds>" -> "armed"; "disarm", "last" -> "not" | "deadline" |
//   "closed";
//   "busy" to an arm while the resume of the last firing is unanswered.

#include <cstddef>

namespace chrysalis::hypervisor {

inline constexpr int kShimConfigFd = 3;
inline constexpr int kShimGateFd = 4;
inline constexpr int kShimReportFd = 5;
inline constexpr std::size_t kShimConfigLimit = 64 * 1024;
inline constexpr char kGateOpen = 'G';

// The VMM inherits its generation's lock at this descriptor, so that the lock
// outlives a lost shim.
inline constexpr int kVmmLockFd = 3;

// Where it writes its lifecycle events, if it was given a file for them. To
// append only: the shim may empty the file at any time.
inline constexpr int kVmmEventsFd = 4;

}  // namespace chrysalis::hypervisor
