#pragma once

// Whether the files of a snapshot may be loaded at all, asked of them before a
// process, a TAP or a disk is made: what config.json would open, and that it
// is the shape that the manifest tells. Reads, never writes.
// Thread-safety: no shared state.
// Errors: kCorrupt, whatever the VMM's own files have against it.

#include <filesystem>
#include <vector>

#include "src/base/result.h"
#include "src/hypervisor/backend.h"
#include "src/model/topology.h"
#include "src/store/records.h"

namespace chrysalis::engine {

// The disks as a VMM is told of them: by a boot, a load, and this check.
std::vector<hypervisor::DiskSpec> disk_specs(
    const std::vector<store::Disk>& disks);

// Its own files contain nothing but a VM of ours, of that configuration.
[[nodiscard]] Result<> check_dump(const hypervisor::Backend& vm,
                                  const std::filesystem::path& directory,
                                  const store::SnapshotRecord& snapshot);

// The shape in the VMM's own files is the one that was told; where they do not
// tell (Firecracker), the loaded VMM is asked while it is paused.
[[nodiscard]] Result<> check_told_shape(const hypervisor::Backend& vm,
                                        const std::filesystem::path& directory,
                                        const model::Topology& told);

}  // namespace chrysalis::engine
