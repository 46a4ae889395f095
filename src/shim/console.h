#pragma once

// What the VMM and its guest write, bounded: a file that passes kLogLimit is
// moved to "<name>.1" (copied and truncated, since the VMM appends to it by an
// inherited descriptor). No process wakes up while nothing is written.
// Source: a guest can write 7 GB a day to its serial line.

#include <poll.h>

#include <cstddef>
#include <cstdint>

namespace chrysalis::shim {

// Watches the log that the VMM appends to.
class BoundedLog {
 public:
  bool open(const char* name);                  // False with errno
  [[nodiscard]] int fd() const { return fd_; }  // for the VMM

  size_t collect(struct pollfd* entries);  // at most 1
  int timeout(uint64_t now) const;
  void step(const struct pollfd* entries, size_t count, uint64_t now);
  void bound();  // looks now, as at the end of the VMM

 private:
  void watch();

  const char* name_ = nullptr;
  int fd_ = -1;
  int inotify_ = -1;
  uint64_t check_ms_ = 0;  // 0: nothing was written since the last look
};

// Drains a serial socket that the VMM binds, and binds again when the guest
// reboots. Connects when it appears in the working directory.
class ConsoleDrain {
 public:
  bool open(const char* socket_name, const char* file);  // null: off

  size_t collect(struct pollfd* entries);  // at most 2
  int timeout(uint64_t now) const;
  void step(const struct pollfd* entries, size_t count, uint64_t now);

 private:
  void try_connect(uint64_t now);
  void drain(uint64_t now);

  const char* socket_name_ = nullptr;
  const char* file_name_ = nullptr;
  int inotify_ = -1;
  int socket_ = -1;
  int file_ = -1;
  uint64_t retry_ms_ = 0;
  int retries_ = 0;
};

// Moves `name`, open as fd, away when it is too long.
void bound_file(int fd, const char* name);

}  // namespace chrysalis::shim
