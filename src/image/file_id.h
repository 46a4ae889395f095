#pragma once

// What tells two contents of a file apart without reading them. Never ctime:
// a hard link changes it.
//
// Thread-safety: values.
// Source of the rule: engine.md, Verification (device, inode, size or mtime).

#include <compare>
#include <cstdint>
#include <filesystem>

#include "src/base/result.h"

namespace chrysalis::image {

struct FileId {
  uint64_t device = 0, inode = 0, size = 0;
  int64_t mtime_ns = 0;
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

// Of an open file; `shown` for messages only.
[[nodiscard]] Result<FileId> file_id(int fd,
                                     const std::filesystem::path& shown);

}  // namespace chrysalis::image
