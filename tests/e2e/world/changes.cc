#include "tests/e2e/world/changes.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace chrysalis::e2e {

Changes::Changes(const std::filesystem::path& path)
    : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  ::inotify_add_watch(
      inotify_.get(), path.c_str(),
      IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE);
}

bool Changes::wait(Mono deadline) {
  const auto left = std::chrono::ceil<milliseconds>(
      deadline - std::chrono::steady_clock::now());
  pollfd changed{inotify_.get(), POLLIN, 0};
  const auto timeout = std::max(left, milliseconds{0}).count();
  if (::poll(&changed, 1, static_cast<int>(timeout)) <= 0) return false;
  std::array<char, 65536> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  return true;
}

}  // namespace chrysalis::e2e
