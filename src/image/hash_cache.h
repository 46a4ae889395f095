#pragma once

// Tree hashes by FileId, so that an image is hashed once and not at each boot.
// A file changed less than 2 s ago is hashed but not remembered: its next
// change could carry the same mtime.
//
// Thread-safety: any thread. One file is hashed at a time, so that a hundred
//   boots of a new image read its disk once.
// Ownership: borrows the clock, which outlives it.
// Errors: as tree_hash; kConflict - the file changed while it was read.

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/image/file_id.h"

namespace chrysalis::image {

class HashCache {
 public:
  explicit HashCache(const Clock& clock) : clock_(clock) {}

  // The hash of the open file whose identity is `id`.
  [[nodiscard]] Result<std::string> hash(int fd, const FileId& id,
                                         const std::filesystem::path& shown);

 private:
  const Clock& clock_;
  std::mutex hashing_;  // taken before mutex_
  std::mutex mutex_;
  std::map<FileId, std::string> known_;

  [[nodiscard]] std::string find(const FileId& id);
  void remember(const FileId& id, const std::string& hash);
};

}  // namespace chrysalis::image
