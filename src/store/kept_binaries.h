#pragma once

// VMM programs, kept at STATE/bin/<sha256> for as long as a VM or a snapshot
// names one: a load needs the very program that wrote the snapshot, also
// after the node was upgraded.
//
// A copy of ours (a reflink where the disk can), never a link: its owner may
// write into the original at any time. Mode 0555, durable when keep() returns.
// Thread-safety: any thread. Prune spares what this process kept or found, so
//   it cannot take what is about to be recorded.
// Errors: kNotFound - it is not kept; kCorrupt - what is kept is another
//   program; kConflict - the original changed since it was hashed; kInvalid -
//   no sha256; kUnavailable.
// Ownership: borrows the arguments of the constructor.

#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/store/node_db.h"
#include "src/store/paths.h"

namespace chrysalis::store {

class KeptBinaries {
 public:
  KeptBinaries(const StatePaths& paths, FileSystem& fs, const NodeDb& db)
      : paths_(paths), fs_(fs), db_(db) {}

  // The path of our copy of `program`, which has this hash.
  [[nodiscard]] Result<std::filesystem::path> keep(
      const std::filesystem::path& program, const std::string& sha256);
  // Its contents are checked once a process.
  [[nodiscard]] Result<std::filesystem::path> find(const std::string& sha256);
  // Removes what no row names; answers the hashes.
  [[nodiscard]] Result<std::vector<std::string>> prune();

 private:
  Result<void> check(const std::string& sha256, Code on_mismatch,
                     const std::filesystem::path& at);

  const StatePaths& paths_;
  FileSystem& fs_;
  const NodeDb& db_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> used_;  // by this process
};

}  // namespace chrysalis::store
