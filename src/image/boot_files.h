#pragma once

// Our own read-only copies of kernels and initrds, one file a tree hash, which
// generations hard-link: a guest's reboot reopens them after the image changed.
//
//   DIR/<hash>      0444, never written again
//   DIR/<hash>.new  being made; a crashed attempt's is replaced
//
// Thread-safety: any thread; one copy is made at a time.
// Durability: a file is synced before it has its name. The name in DIR is
//   not: after power loss the copy is made again, generations keep theirs.
// Errors: kConflict - the image's file is not what was recorded.
// Ownership: borrows the cache, which outlives it.

#include <filesystem>
#include <mutex>
#include <string>

#include "src/base/result.h"
#include "src/image/file_id.h"
#include "src/image/hash_cache.h"

namespace chrysalis::image {

class BootFiles {
 public:
  BootFiles(std::filesystem::path dir, HashCache& cache)
      : dir_(std::move(dir)), cache_(cache) {}

  // `dest` with the content of the open file `from`, whose tree hash was
  // `hash`: a hard link, or a copy on another file system. Replaces.
  [[nodiscard]] Result<void> place(int from, const FileId& id,
                                   const std::string& hash,
                                   const std::filesystem::path& shown,
                                   const std::filesystem::path& dest);

 private:
  std::filesystem::path dir_;
  HashCache& cache_;
  std::mutex making_;

  [[nodiscard]] Result<bool> have(const std::filesystem::path& own,
                                  const std::string& hash);
  [[nodiscard]] Result<void> make(int from, const FileId& id,
                                  const std::string& hash,
                                  const std::filesystem::path& shown);
};

}  // namespace chrysalis::image
