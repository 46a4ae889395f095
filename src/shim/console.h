#pragma once

// What the VMM and its guest write, bounded: a file that passes kLogLimit is
// moved to "<name>.1" (copied and truncated, since the VMM appends to it by an
// inherited descriptor).
// Both look by the clock and not by inotify, of which a user has only 128
// instances on a host: every 8 s where nothing happens.
// Source: a guest can write 7 GB a day to its serial line.

#include <poll.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace chrysalis::shim {

// Watches a file that the VMM appends to.
class BoundedLog {
 public:
  // flags: O_TRUNC, or none. False with errno.
  bool open(const char* name, int flags);
  [[nodiscard]] int fd() const { return fd_; }  // for the VMM

  int timeout(uint64_t now) const;
  void step(uint64_t now);
  void bound();  // looks now, as at the end of the VMM

 private:
  const char* name_ = nullptr;
  int fd_ = -1;
  long seen_ = -1;  // its size at the last look
  uint64_t check_ms_ = 0;
  uint64_t interval_ms_ = 0;
};

// Drains a serial socket that the VMM binds, and binds again when the guest
// reboots. Looks for it in the working directory, soon at first: what a guest
// says before somebody is connected is lost.
class ConsoleDrain {
 public:
  // owner: of the socket. socket_name null: off.
  bool open(const char* socket_name, uid_t owner, const char* file);

  size_t collect(struct pollfd* entries);  // at most 1
  int timeout(uint64_t now) const;
  void step(const struct pollfd* entries, size_t count, uint64_t now);

 private:
  void try_connect(uint64_t now);
  void drain(uint64_t now);

  const char* socket_name_ = nullptr;
  const char* file_name_ = nullptr;
  uid_t owner_ = 0;
  int socket_ = -1;
  int file_ = -1;
  uint64_t search_ms_ = 0;  // since when it is looked for
  uint64_t retry_ms_ = 0;
};

// Moves `name`, open as fd, away when it is too long.
void bound_file(int fd, const char* name);

}  // namespace chrysalis::shim
