#pragma once

// The truth of a Cloud Hypervisor dump: state.json, compared key by key with
// config.json. After a load vm.info only echoes config.json, so a dump whose
// two files disagree would run as one thing and be reported as another. PURE.
//
// state.json is a tree {snapshots: {id: node}, snapshot_data: {state: "<JSON
// in a string>"}}: vCPUs are children of cpu-manager, devices of
// device-manager, a device's rings of its "_virtio-pci-<id>". Seen on v53.0.

#include <cstdint>
#include <string_view>

#include "src/base/result.h"
#include "src/hypervisor/backend.h"
#include "src/model/guest_files.h"

namespace chrysalis::hypervisor::cloud_hypervisor {

inline constexpr size_t kMaxStateBytes = model::kMaxChState;
inline constexpr size_t kMaxConfigBytes = model::kMaxChConfig;

// memory_bytes: the apparent size of the memory file.
// kCorrupt - they disagree, or are not what a VMM writes;
// kConflict - a NIC is in the state and not in the configuration, or the other
//             way round: a swap was in progress.
[[nodiscard]] Result<ReadBack> decode_dump(std::string_view config_json,
                                           std::string_view state_json,
                                           uint64_t memory_bytes);

}  // namespace chrysalis::hypervisor::cloud_hypervisor
