#pragma once

// Reads a directory of manifests into a Scan: files in, documents out. Only
// regular files directly in it; hidden files and status files are not looked
// at, links are not followed.
//
// A file is doubtful (directory_scan.h) when it cannot be read, is larger than
// the limit, does not parse, holds nothing, or is open for writing by somebody
// right now. A file that did not change since it was read is not read again.
// Thread-safety: one thread. Blocks for the disk only.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/runtime/directory/directory_scan.h"
#include "controller/runtime/directory/manifest_document.h"
#include "src/base/clock.h"

namespace chrysalis::runtime::directory {

class ManifestReader {
 public:
  static constexpr size_t kMaxFileBytes = size_t{1} << 20;
  static constexpr size_t kMaxFiles = 4096;

  // The clock is the one that the disk stamps files by, not a test's.
  ManifestReader(std::filesystem::path directory, const Rulebook& rules,
                 const Clock& clock);

  [[nodiscard]] Scan scan();
  // As of the last scan that could read the directory.
  [[nodiscard]] const std::set<std::string>& status_files() const {
    return status_files_;
  }
  [[nodiscard]] uint64_t files_read() const { return files_read_; }

 private:
  // What a file looked like when it was read.
  struct Stamp {
    uint64_t device = 0, inode = 0, size = 0;
    int64_t mtime_ns = 0, ctime_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Read {
    Stamp stamp;
    ScannedFile file;
  };

  // Nothing: no regular file.
  static std::optional<Stamp> stamp_of(int fd);
  // Nothing: it is gone.
  std::optional<ScannedFile> read(int directory, const std::string& name);
  ScannedFile understand(const std::string& name, std::string_view text) const;

  std::filesystem::path directory_;
  const Rulebook& rules_;
  const Clock& clock_;
  uint64_t files_read_ = 0;
  std::map<std::string, Read> known_;
  std::set<std::string> status_files_;
};

}  // namespace chrysalis::runtime::directory
