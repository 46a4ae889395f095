#pragma once

// The files of a generation that is to be loaded from a snapshot, made of the
// snapshot's own: memory by a hard link, disks by reflink or sparse copy, the
// rest copied.
//
// Repeatable: what a former attempt left is made anew.
// Durability: stage_snapshot leaves every byte durable, sync_generation every
//   name, up to STATE/vms. What a VMM is told to load must be there after a
//   power loss, as its record is.

#include <cstdint>
#include <filesystem>

#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/store/paths.h"
#include "src/store/records.h"

namespace chrysalis::engine {

// A file that is not there is gone too.
Result<> unlink_any(FileSystem& fs, const std::filesystem::path& path);

// unix_uid: the VM's user and group.
Result<> make_generation(FileSystem& fs, const store::GenerationPaths& to,
                         uint32_t unix_uid);

Result<> stage_snapshot(FileSystem& fs, const std::filesystem::path& from,
                        const store::GenerationPaths& to,
                        const store::SnapshotRecord& snapshot,
                        uint32_t unix_uid);

Result<> sync_generation(FileSystem& fs, const store::GenerationPaths& of);

}  // namespace chrysalis::engine
