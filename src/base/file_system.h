#pragma once

// The seam to the disk: whatever must survive power loss, or be tested for
// it, goes through a FileSystem. PosixFileSystem is the real one;
// tests/fakes/crashing_fs.h loses what was not synced.
//
// Thread-safety: PosixFileSystem from any thread; a File by one at a time.
// Durability: nothing is durable before sync() of the file (its bytes, size
//   and mode) and sync_dir() of the directory (its names) are ok.
// Links: no call follows a symbolic link in the last component.
// Errors: kNotFound, kConflict (it exists), kInvalid (a link, too long, over
//   the limit), kTimeout (where said), else kUnavailable. The message names the
//   call and the path.
// Ownership: users borrow the FileSystem; it outlives them and every File.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis {

struct Extent {
  uint64_t offset = 0, length = 0;
  [[nodiscard]] uint64_t end() const { return offset + length; }
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct FileStat {
  enum class Kind : uint8_t { kFile, kDirectory, kLink, kOther };
  Kind kind = Kind::kFile;
  uint64_t device = 0, inode = 0;
  uint64_t size = 0;       // apparent bytes
  uint64_t allocated = 0;  // bytes on disk
  int64_t mtime_ns = 0;
  uint32_t mode = 0;  // permission bits
  uint32_t uid = 0, gid = 0;
  uint64_t links = 1;
};

class File {
 public:
  virtual ~File() = default;
  // Fewer bytes than asked for only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> into) = 0;
  virtual Result<void> write_at(uint64_t offset, std::string_view bytes) = 0;
  virtual Result<void> resize(uint64_t bytes) = 0;
  // The first run of data at or after `from`, which ends at a hole or at the
  // end; nullopt: holes only from there.
  virtual Result<std::optional<Extent>> next_data(uint64_t from) = 0;
  // Gives the blocks back; the range reads as zeros, the size stays.
  virtual Result<void> punch(Extent range) = 0;
  virtual Result<void> chmod(uint32_t mode) = 0;
  virtual Result<void> chown(uint32_t uid, uint32_t gid) = 0;
  virtual Result<FileStat> stat() = 0;
  virtual Result<void> sync() = 0;
};

class FileSystem {
 public:
  using Path = std::filesystem::path;
  enum class Mode : uint8_t {
    kRead,
    kReadWrite,
    kCreate,  // kConflict if it exists
  };
  enum class Cloned : uint8_t { kReflink, kCopy };

  virtual ~FileSystem() = default;
  // Regular files only. `permissions` count for kCreate; umask is ignored.
  virtual Result<std::unique_ptr<File>> open(const Path& path, Mode mode,
                                             uint32_t permissions = 0600) = 0;
  virtual Result<void> rename(const Path& from, const Path& to) = 0;
  virtual Result<void> rename_noreplace(const Path& from, const Path& to) = 0;
  virtual Result<void> link(const Path& from, const Path& to) = 0;
  virtual Result<void> unlink(const Path& path) = 0;
  virtual Result<void> mkdir(const Path& path, uint32_t permissions) = 0;
  // Ok when it is gone, also when it never was.
  virtual Result<void> remove_tree(const Path& path) = 0;
  // Names without "." and "..", sorted.
  virtual Result<std::vector<std::string>> list(const Path& directory) = 0;
  virtual Result<FileStat> stat(const Path& path) = 0;
  virtual Result<void> chmod(const Path& path, uint32_t permissions) = 0;
  virtual Result<void> chown(const Path& path, uint32_t uid, uint32_t gid) = 0;
  // A new file `to` with the bytes and holes of `from`: by reflink where the
  // disk can, else a sparse copy, which ends with kTimeout soon after `until`.
  // Not synced. Nothing is left on error.
  virtual Result<Cloned> clone_file(const Path& from, const Path& to,
                                    uint32_t permissions,
                                    Mono until = Mono::max()) = 0;
  virtual Result<void> sync_dir(const Path& directory) = 0;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const Path& path, Mode mode,
                                     uint32_t permissions) override;
  Result<void> rename(const Path& from, const Path& to) override;
  Result<void> rename_noreplace(const Path& from, const Path& to) override;
  Result<void> link(const Path& from, const Path& to) override;
  Result<void> unlink(const Path& path) override;
  Result<void> mkdir(const Path& path, uint32_t permissions) override;
  Result<void> remove_tree(const Path& path) override;
  Result<std::vector<std::string>> list(const Path& directory) override;
  Result<FileStat> stat(const Path& path) override;
  Result<void> chmod(const Path& path, uint32_t permissions) override;
  Result<void> chown(const Path& path, uint32_t uid, uint32_t gid) override;
  Result<Cloned> clone_file(const Path& from, const Path& to,
                            uint32_t permissions,
                            Mono until = Mono::max()) override;
  Result<void> sync_dir(const Path& directory) override;
};

// The whole file; kInvalid when it has more than `limit` bytes.
Result<std::string> read_file(FileSystem& fs, const FileSystem::Path& path,
                              size_t limit);

// The one way a file is replaced: temp in the same directory, write, sync,
// rename, sync the directory. When ok, `path` has the new bytes after power
// loss; until then it has the old or the new, never a mixture.
// REQUIRES: one writer a path at a time.
Result<void> durable_replace(FileSystem& fs, const FileSystem::Path& path,
                             std::string_view bytes,
                             uint32_t permissions = 0600);

}  // namespace chrysalis
