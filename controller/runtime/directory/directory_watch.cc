#include "controller/runtime/directory/directory_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "controller/runtime/directory/control_socket.h"
#include "controller/runtime/directory/directory_scan.h"

namespace chrysalis::runtime::directory {
namespace {

constexpr uint32_t kFiles =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr uint32_t kItself = IN_DELETE_SELF | IN_MOVE_SELF;
// Told without being asked for.
constexpr uint32_t kAlways = IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW;

bool matters(const inotify_event& event, const char* name) {
  if ((event.mask & (kItself | kAlways)) != 0) return true;
  return event.len != 0 ? is_manifest_name(name) : true;
}

}  // namespace

DirectoryWatch::DirectoryWatch(std::filesystem::path directory)
    : directory_(std::move(directory)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void DirectoryWatch::arm() {
  if (!inotify_.valid()) return;
  const int now = ::inotify_add_watch(inotify_.get(), directory_.c_str(),
                                      kFiles | kItself | IN_ONLYDIR);
  if (watch_ >= 0 && watch_ != now) ::inotify_rm_watch(inotify_.get(), watch_);
  watch_ = now;
}

bool DirectoryWatch::wait(milliseconds at_most) {
  if (watch_ < 0) at_most = std::min(at_most, kUnwatched);
  const Mono deadline = SystemClock{}.mono() + at_most;
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{inotify_.get(), POLLIN, 0},
                                 pollfd{wake_.get(), POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), poll_timeout(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (fds[1].revents != 0) {
      uint64_t count = 0;
      [[maybe_unused]] const auto got =
          ::read(wake_.get(), &count, sizeof count);
      return true;
    }
    if (drain()) return true;
  }
}

// Everything that waits there; did any of it matter?
bool DirectoryWatch::drain() {
  bool any = false;
  alignas(inotify_event) std::array<char, 16'384> buffer{};
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (got <= 0) return any;
    for (size_t at = 0; at < static_cast<size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* name = buffer.data() + at + sizeof event;
      if ((event.mask & IN_IGNORED) != 0 && event.wd == watch_) watch_ = -1;
      any = any || matters(event, name);
      at += sizeof event + event.len;
    }
  }
}

void DirectoryWatch::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace chrysalis::runtime::directory
