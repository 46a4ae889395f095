#include "src/shim/console.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <initializer_list>

#include "src/hypervisor/shim_files.h"
#include "src/shim/own_files.h"

namespace chrysalis::shim {
namespace {

constexpr uint64_t kCheckMs = 1000;
constexpr uint64_t kRetryMs = 50;
constexpr int kRetries = 100;  // bind comes before listen, by very little

char buffer[64 * 1024];

int timeout_of(uint64_t due, uint64_t now) {
  if (due == 0) return -1;
  return due <= now ? 0 : static_cast<int>(due - now);
}

void forget_events(int inotify) {
  while (read(inotify, buffer, sizeof buffer) > 0) {
  }
}

}  // namespace

void bound_file(int fd, const char* name) {
  struct stat file = {};
  if (fstat(fd, &file) != 0 || file.st_size <= hypervisor::kLogLimit) return;
  char old[PATH_MAX];
  snprintf(old, sizeof old, "%s.1", name);
  const int from = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  const int to = open_own_file(old, O_WRONLY);
  // The last part, if it grew by more than the limit since the last look.
  const off_t skip = file.st_size - hypervisor::kLogLimit;
  if (from >= 0 && to >= 0 && ftruncate(to, 0) == 0 &&
      lseek(from, skip, SEEK_SET) == skip) {
    ssize_t got = 0;
    off_t left = hypervisor::kLogLimit;
    while (left > 0 && (got = read(from, buffer, sizeof buffer)) > 0) {
      if (write(to, buffer, static_cast<size_t>(got)) != got) break;
      left -= got;
    }
  }
  if (from >= 0) close(from);
  if (to >= 0) close(to);
  // Bounded comes first: what could not be copied is lost.
  (void)!ftruncate(fd, 0);
}

bool BoundedLog::open(const char* name) {
  name_ = name;
  fd_ = open_own_file(name, O_WRONLY | O_APPEND);
  inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (fd_ < 0 || inotify_ < 0) return false;
  watch();
  return true;
}

void BoundedLog::watch() {
  inotify_add_watch(inotify_, name_, IN_MODIFY | IN_ONESHOT);
}

size_t BoundedLog::collect(struct pollfd* entries) {
  entries[0] = {inotify_, POLLIN, 0};
  return 1;
}

int BoundedLog::timeout(uint64_t now) const {
  return timeout_of(check_ms_, now);
}

void BoundedLog::step(const struct pollfd* entries, size_t count,
                      uint64_t now) {
  if (count == 1 && entries[0].revents != 0) {
    forget_events(inotify_);
    if (check_ms_ == 0) check_ms_ = now + kCheckMs;
  }
  if (check_ms_ == 0 || check_ms_ > now) return;
  check_ms_ = 0;
  watch();
  bound();
}

void BoundedLog::bound() { bound_file(fd_, name_); }

bool ConsoleDrain::open(const char* socket_name, const char* file) {
  if (socket_name == nullptr) return true;
  socket_name_ = socket_name;
  file_name_ = file;
  file_ = open_own_file(file, O_WRONLY | O_APPEND);
  inotify_ = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return file_ >= 0 && inotify_ >= 0 &&
         inotify_add_watch(inotify_, ".", IN_CREATE | IN_ONLYDIR) >= 0;
}

size_t ConsoleDrain::collect(struct pollfd* entries) {
  size_t count = 0;
  for (const int fd : {inotify_, socket_})
    if (fd >= 0) entries[count++] = {fd, POLLIN, 0};
  return count;
}

int ConsoleDrain::timeout(uint64_t now) const {
  return timeout_of(retry_ms_, now);
}

void ConsoleDrain::step(const struct pollfd* entries, size_t count,
                        uint64_t now) {
  for (size_t i = 0; i < count; ++i) {
    if (entries[i].revents == 0) continue;
    if (entries[i].fd == inotify_) {
      forget_events(inotify_);
      retries_ = kRetries;
      if (socket_ < 0) retry_ms_ = now;
    } else if (entries[i].fd == socket_) {
      drain(now);
    }
  }
  if (retry_ms_ != 0 && retry_ms_ <= now) try_connect(now);
}

void ConsoleDrain::try_connect(uint64_t now) {
  retry_ms_ = 0;
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path, socket_name_, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address),
                         sizeof address) == 0) {
    socket_ = fd;
    return;
  }
  const bool there = errno != ENOENT;  // else the next IN_CREATE tells
  if (fd >= 0) close(fd);
  if (there && --retries_ > 0) retry_ms_ = now + kRetryMs;
}

void ConsoleDrain::drain(uint64_t now) {
  const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    close(socket_);
    socket_ = -1;
    retries_ = kRetries;
    retry_ms_ = now + kRetryMs;
    return;
  }
  (void)!write(file_, buffer, static_cast<size_t>(got));
  bound_file(file_, file_name_);
}

}  // namespace chrysalis::shim
