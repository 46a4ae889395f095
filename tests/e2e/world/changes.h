#pragma once

// Waiting for a file or the entries of a directory to change, by inotify:
// what a test does instead of sleeping.
// Thread-safety: as an int. REQUIRES: the path exists.

#include <chrono>
#include <filesystem>

#include "src/base/clock.h"
#include "src/base/unique_fd.h"

namespace chrysalis::e2e {

class Changes {
 public:
  explicit Changes(const std::filesystem::path& path);

  // False: the deadline came first. Changes since the last call count.
  bool wait(Mono deadline);

 private:
  UniqueFd inotify_;
};

inline Mono in(milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// Looks at once and after each change; what it said at last.
template <class Holds>
bool await(const std::filesystem::path& path, Mono deadline, Holds&& holds) {
  Changes changes(path);
  while (!holds())
    if (!changes.wait(deadline)) return holds();
  return true;
}

}  // namespace chrysalis::e2e
