#pragma once

// The names of what lies in a generation directory, which its VMM sees as
// kGuestDir, whichever VM, generation or host it is. The one place that says
// them: the paths of the store and the requests of the backends are made of
// these. Frozen: snapshots hold them. PURE: names only.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "src/model/values.h"

namespace chrysalis::model {

inline constexpr std::string_view kGuestDir = "/run/chrysalis/vm";

inline constexpr std::string_view kKernel = "kernel";
inline constexpr std::string_view kInitrd = "initrd";
inline constexpr std::string_view kApiSocket = "api.sock";
inline constexpr std::string_view kSerialSocket = "serial.sock";  // CH

// "disk0"; the file of a disk is named as its id of a first boot.
inline std::string disk_file(size_t i) { return "disk" + std::to_string(i); }

// Files of a dump. A generation to be loaded holds them beside its disks.
struct DumpFiles {
  std::array<std::string_view, 3> names;  // all of them; empty: none
  std::string_view memory;                // the one that holds the RAM
};
inline constexpr std::string_view kChConfig = "config.json";
inline constexpr std::string_view kChState = "state.json";
inline constexpr std::string_view kChMemory = "memory-ranges";
inline constexpr std::string_view kFcState = "vmstate";
inline constexpr std::string_view kFcMemory = "mem";

// The most that a VMM writes into those that are read as a whole; what is
// larger is none of theirs.
inline constexpr uint64_t kMaxChConfig = uint64_t{1} << 20;
inline constexpr uint64_t kMaxChState = uint64_t{32} << 20;  // 254 vCPUs: 8 MiB
inline constexpr uint64_t kMaxFcState = 10'000'000;  // the VMM's own limit

// UINT64_MAX: not one of these.
constexpr uint64_t max_bytes_of(std::string_view dump_file) {
  return dump_file == kChConfig  ? kMaxChConfig
         : dump_file == kChState ? kMaxChState
         : dump_file == kFcState ? kMaxFcState
                                 : UINT64_MAX;
}

constexpr DumpFiles dump_files(Hypervisor kind) {
  return kind == Hypervisor::kCloudHypervisor
             ? DumpFiles{{kChConfig, kChState, kChMemory}, kChMemory}
             : DumpFiles{{kFcState, kFcMemory, ""}, kFcMemory};
}

}  // namespace chrysalis::model
