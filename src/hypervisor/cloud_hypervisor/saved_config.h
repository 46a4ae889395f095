#pragma once

// Cloud Hypervisor's own configuration (config.json of a dump, `config` of
// vm.info): read it, and build it anew for a load. PURE.
//
// A dump may come from anybody, and config.json decides which files, sockets
// and devices of the host are opened. So it is never patched: what a load gets
// is made from an allow-list of keys, with our paths and TAPs in their places.
// What is not on the list must say nothing (null, false, 0, empty), else the
// whole is refused by that key's name.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "src/base/result.h"
#include "src/hypervisor/backend.h"

namespace chrysalis::hypervisor::cloud_hypervisor {

inline constexpr std::string_view kRngSource = "/dev/urandom";

// What it says of the guest's shape; disks without sizes, NICs without MTU.
// kCorrupt: a value is missing, has another type, or is out of any bound.
[[nodiscard]] Result<ReadBack> decode_config(const nlohmann::json& config);

// kInvalid - a key that is not ours, or a value that we never write;
// kCorrupt - it contradicts `spec` (cpu, memory, disks, NIC ids).
[[nodiscard]] Result<std::string> rebuild_config(std::string_view saved,
                                                 const LoadSpec& spec);

}  // namespace chrysalis::hypervisor::cloud_hypervisor
