#pragma once

// A file being made: nothing is left of it unless keep() is reached.
//
// Thread-safety: one thread; one maker a path at a time.
// Durability: sync() covers bytes, size, mode and owner; the name is the
//   caller's (the directory is synced once for all files).
// Errors: kConflict - the source changed; kUnavailable; kInvalid - too large
//   for this file system.

#include <cstdint>
#include <filesystem>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/image/file_id.h"

namespace chrysalis::image {

class NewFile {
 public:
  // Removes what a crashed attempt left at `path`. umask is ignored.
  [[nodiscard]] static Result<NewFile> create(const std::filesystem::path& path,
                                              uint32_t mode);
  NewFile(NewFile&&) = default;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  // The bytes and holes of `from`: a reflink where the disk can, else a sparse
  // copy. kConflict when `from` is not, or no longer, what `recorded` says.
  [[nodiscard]] Result<void> copy(int from, const FileId& recorded,
                                  const std::filesystem::path& shown);
  [[nodiscard]] Result<void> resize(uint64_t bytes);
  [[nodiscard]] Result<void> chown(uint32_t uid);
  [[nodiscard]] Result<void> sync();
  void keep() { kept_ = true; }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  NewFile(UniqueFd fd, std::filesystem::path path)
      : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::filesystem::path path_;
  bool kept_ = false;
};

// Ok when it is gone, also when it never was. Never a directory.
[[nodiscard]] Result<void> remove_file(const std::filesystem::path& path);

}  // namespace chrysalis::image
