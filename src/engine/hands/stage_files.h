#pragma once

// The files of a generation that is to be loaded from a snapshot, made of the
// snapshot's own: memory by a hard link, disks by reflink or sparse copy, the
// rest copied.
//
// Repeatable: what a former attempt left is made anew.
// Durability: none before make_durable, which ends with every byte and every
//   name, up to STATE/vms. What a VMM is told to load must be there after a
//   power loss, as its record is.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/store/paths.h"
#include "src/store/records.h"

namespace chrysalis::engine {

// Made in a generation, and not durable yet.
struct Staged {
  std::vector<std::filesystem::path> files;
  std::string vm_json;  // its text; empty: an earlier stage wrote it
};

// A file that is not there is gone too.
Result<> unlink_any(FileSystem& fs, const std::filesystem::path& path);

// unix_uid: the VM's user and group.
Result<> make_generation(FileSystem& fs, const store::GenerationPaths& to,
                         uint32_t unix_uid);

Result<Staged> stage_snapshot(FileSystem& fs, const std::filesystem::path& from,
                              const store::GenerationPaths& to,
                              const store::SnapshotRecord& snapshot,
                              uint32_t unix_uid);

// Nothing of it is believed before its operation goes on: vm.json may be
// found beside names that are not there.
Result<> make_durable(FileSystem& fs, const store::GenerationPaths& of,
                      const Staged& staged);

}  // namespace chrysalis::engine
