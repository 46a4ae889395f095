#pragma once

// What makes a directory a snapshot: hashed and immutable files, a manifest,
// and a name that appears last. Internal to src/store; the order is explained
// in snapshot_files.h. Thread-safety: one directory by one thread.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/store/manifest.h"
#include "src/store/records.h"

namespace chrysalis::store {

struct SealTarget {
  FileSystem& fs;
  const std::filesystem::path& directory;  // staged
  std::optional<uint32_t> group;           // of what is made ours
};

// Punches its zero pages, hashes it, makes it read-only and ours, syncs it.
Result<ManifestFile> seal_file(const SealTarget& at, std::string_view name);

// As seal_file for a file that others link: it must be read-only already.
Result<ManifestFile> seal_shared_file(const SealTarget& at,
                                      std::string_view name);

// After all files: the directory, the manifest, the record, the rename to
// `to`, each durable before the next. kConflict: `to` exists.
Result<void> seal_directory(const SealTarget& at, std::string_view manifest,
                            std::string_view record,
                            const std::filesystem::path& to);

// Of the files of a manifest, in its order. kCorrupt: one is missing, no
// regular file, not as large as the manifest says, or has a second name under
// which it could be written to.
Result<std::vector<FileStamp>> stamps_of(
    FileSystem& fs, const std::filesystem::path& directory,
    const std::vector<ManifestFile>& files);

// kCorrupt: the file has a second name.
Result<void> expect_unlinked(FileSystem& fs, const std::filesystem::path& path);

// Exactly these names, besides manifest and record. kCorrupt names the first
// that is too much or missing.
Result<void> expect_names(std::vector<std::string> found,
                          const std::vector<ManifestFile>& files);

// Bytes that are no holes.
Result<uint64_t> data_bytes(File& file);

// It is there, durably: also when a former life made it and did not get so far.
// Its parent is there durably.
Result<void> ensure_directory(FileSystem& fs, const std::filesystem::path& path,
                              uint32_t permissions);

}  // namespace chrysalis::store
