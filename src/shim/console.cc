#include "src/shim/console.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "src/hypervisor/shim_files.h"
#include "src/shim/guard.h"
#include "src/shim/own_files.h"

namespace chrysalis::shim {
namespace {

// Of the log: after a look that found it grown, and at most.
constexpr uint64_t kCheckMs = 1000, kLongestCheckMs = 8000;

// How long until the next look for a socket that has been missing for so
// long. It appears when the VMM boots a guest, milliseconds after its start
// or after a reboot, or never.
constexpr uint64_t retry_after(uint64_t missing_ms) {
  if (missing_ms < 1000) return 2;
  return missing_ms < 10'000 ? 50 : 1000;
}

char buffer[64 * 1024];

int timeout_of(uint64_t due, uint64_t now) {
  if (due == 0) return -1;
  return due <= now ? 0 : static_cast<int>(due - now);
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

bool BoundedLog::open(const char* name, int flags) {
  name_ = name;
  fd_ = open_own_file(name, O_WRONLY | O_APPEND | flags);
  check_ms_ = now_ms() + kCheckMs;
  interval_ms_ = kCheckMs;
  return fd_ >= 0;
}

int BoundedLog::timeout(uint64_t now) const {
  return timeout_of(check_ms_, now);
}

void BoundedLog::step(uint64_t now) {
  if (fd_ < 0 || check_ms_ > now) return;
  struct stat file = {};
  const long size = fstat(fd_, &file) == 0 ? file.st_size : seen_;
  interval_ms_ = size != seen_ ? kCheckMs : interval_ms_ * 2;
  if (interval_ms_ > kLongestCheckMs) interval_ms_ = kLongestCheckMs;
  check_ms_ = now + interval_ms_;
  bound();
  seen_ = fstat(fd_, &file) == 0 ? file.st_size : size;
}

void BoundedLog::bound() {
  if (fd_ >= 0) bound_file(fd_, name_);
}

bool ConsoleDrain::open(const char* socket_name, uid_t owner,
                        const char* file) {
  if (socket_name == nullptr) return true;
  socket_name_ = socket_name;
  owner_ = owner;
  file_name_ = file;
  file_ = open_own_file(file, O_WRONLY | O_APPEND);
  search_ms_ = retry_ms_ = now_ms();
  return file_ >= 0;
}

size_t ConsoleDrain::collect(struct pollfd* entries) {
  if (socket_ < 0) return 0;
  entries[0] = {socket_, POLLIN, 0};
  return 1;
}

int ConsoleDrain::timeout(uint64_t now) const {
  return timeout_of(retry_ms_, now);
}

void ConsoleDrain::step(const struct pollfd* entries, size_t count,
                        uint64_t now) {
  if (count == 1 && entries[0].revents != 0) drain(now);
  if (retry_ms_ != 0 && retry_ms_ <= now) try_connect(now);
}

void ConsoleDrain::try_connect(uint64_t now) {
  retry_ms_ = 0;
  socket_ = connect_to_vmm(socket_name_, owner_);
  if (socket_ < 0) retry_ms_ = now + retry_after(now - search_ms_);
}

void ConsoleDrain::drain(uint64_t now) {
  const ssize_t got = recv(socket_, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    close(socket_);
    socket_ = -1;
    search_ms_ = retry_ms_ = now;
    return;
  }
  (void)!write(file_, buffer, static_cast<size_t>(got));
  bound_file(file_, file_name_);
}

}  // namespace chrysalis::shim
