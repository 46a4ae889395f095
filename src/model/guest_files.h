#pragma once

// The names of what lies in a generation directory, which its VMM sees as
// kGuestDir, whichever VM, generation or host it is. The one place that says
// them: the paths of the store and the requests of the backends are made of
// these. Frozen: snapshots hold them. PURE: names only.

#include <cstddef>
#include <string>
#include <string_view>

namespace chrysalis::model {

inline constexpr std::string_view kGuestDir = "/run/chrysalis/vm";

inline constexpr std::string_view kKernel = "kernel";
inline constexpr std::string_view kInitrd = "initrd";
inline constexpr std::string_view kApiSocket = "api.sock";
inline constexpr std::string_view kSerialSocket = "serial.sock";  // CH
inline constexpr std::string_view kEvents = "events";             // CH

// "disk0"; the file of a disk is named as its id of a first boot.
inline std::string disk_file(size_t i) { return "disk" + std::to_string(i); }

}  // namespace chrysalis::model
