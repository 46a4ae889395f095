#pragma once

// One agent or standalone a state directory: flock on STATE/lock, held for
// life and dropped by the kernel with the process, however it ends.
// Thread-safety: value. Errors: kConflict names the holder's pid and says what
// to do; kNotFound: there is no such directory.

#include <filesystem>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::store {

class StateLock {
 public:
  // Does not wait. Close-on-exec: no VMM inherits it.
  static Result<StateLock> take(const std::filesystem::path& lock_file);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace chrysalis::store
