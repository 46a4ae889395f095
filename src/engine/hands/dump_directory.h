#pragma once

// Where a VMM writes a dump, and how the dump's files leave its reach.
//
//   gen-N/dump-M (root's, the VMM may add files) --take--> a staging directory
//
// Nothing here trusts a name that the VMM could have put elsewhere: the
// directory is root's below a sticky one, so the VMM can neither move nor
// replace it, and it is used by a descriptor all the same.
//
// Thread-safety: none; one lane.
// Errors: kCorrupt - what lies there is not what a VMM writes, or could still
//   change: it is open for writing, or linked elsewhere.

#include <cstdint>
#include <filesystem>
#include <string>

#include "src/base/file_system.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::engine {

class DumpDirectory {
 public:
  // Makes it anew. unix_uid: the VMM's user and group.
  static Result<DumpDirectory> make(FileSystem& fs,
                                    const std::filesystem::path& generation,
                                    const std::string& name, uint32_t unix_uid);

  // By descriptor: good for as long as this object lives.
  [[nodiscard]] std::filesystem::path path() const;

  // Moves one file to `to`/name, root's from then on, and certain not to
  // change: nobody has it open for writing and nobody but root can.
  Result<> take(FileSystem& fs, const std::string& name,
                const std::filesystem::path& to) const;

 private:
  explicit DumpDirectory(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace chrysalis::engine
