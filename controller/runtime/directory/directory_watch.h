#pragma once

// Waits until a manifest may have changed: inotify on the directory, and a
// bound for what inotify does not tell (a mount, a directory that came back,
// a kernel without free instances).
//
// Only files that are complete wake: closed after writing, renamed or removed.
// Our own status files do not.
// Thread-safety: wake() from any thread; the rest by one.

#include <filesystem>

#include "src/base/clock.h"
#include "src/base/unique_fd.h"

namespace chrysalis::runtime::directory {

class DirectoryWatch {
 public:
  // How soon to look again where nothing can be watched.
  static constexpr milliseconds kUnwatched{1'000};

  explicit DirectoryWatch(std::filesystem::path directory);

  // Watches what is at the path now. Call before each scan: what changes after
  // it wakes, also when the directory is another one than before.
  void arm();
  // True: something was heard, or wake(). False: `at_most` passed.
  bool wait(milliseconds at_most);
  void wake();

 private:
  bool drain();

  std::filesystem::path directory_;
  UniqueFd inotify_, wake_;
  int watch_ = -1;
};

}  // namespace chrysalis::runtime::directory
