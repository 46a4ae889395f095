#include "src/shim/own_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace chrysalis::shim {
namespace {

bool is_ours(int fd) {
  struct stat file = {};
  return fstat(fd, &file) == 0 && S_ISREG(file.st_mode) &&
         file.st_uid == geteuid();
}

ssize_t read_small(const char* path, char* buffer, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t got = read(fd, buffer, size - 1);
  close(fd);
  if (got >= 0) buffer[got] = '\0';
  return got;
}

// The directory that holds `path`, which is absolute.
bool sync_directory_of(const char* path) {
  char directory[PATH_MAX];
  const char* slash = strrchr(path, '/');
  const int length = slash == path ? 1 : static_cast<int>(slash - path);
  if (snprintf(directory, sizeof directory, "%.*s", length, path) >=
      static_cast<int>(sizeof directory))
    return false;
  const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool durable = fsync(fd) == 0;
  close(fd);
  return durable;
}

}  // namespace

int open_own_file(const char* name, int flags) {
  flags |= O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
  const int found = open(name, flags);
  if (found >= 0 && is_ours(found)) return found;
  if (found >= 0) close(found);
  if (unlink(name) != 0 && errno != ENOENT) return -1;
  return open(name, flags | O_CREAT | O_EXCL, 0600);
}

int take_lock(const char* name) {
  const int fd = open_own_file(name, O_RDWR);
  if (fd < 0) return -1;
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int saved = errno;
  close(fd);
  errno = saved;
  return -1;
}

int connect_to_vmm(const char* name, uid_t owner) {
  const int place = open(name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (place < 0) return -1;
  struct stat node = {};
  int fd = -1;
  int error = EPERM;
  if (fstat(place, &node) == 0 && S_ISSOCK(node.st_mode) &&
      node.st_uid == owner) {
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    // What was looked at, whatever has the name by now.
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d",
             place);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address),
                           sizeof address) != 0) {
      error = errno;
      close(fd);
      fd = -1;
    }
  }
  close(place);
  if (fd < 0) errno = error;
  return fd;
}

bool write_ending(const char* path, const Ending& ending) {
  char temporary[PATH_MAX];
  if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >=
      static_cast<int>(sizeof temporary))
    return false;
  struct timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  char text[512];
  const int size = snprintf(
      text, sizeof text,
      "{\"version\":1,\"kind\":\"%s\",\"code\":%d,\"signal\":%d,\"core\":%s,"
      "\"pid\":%d,\"start\":%" PRIu64 ",\"bootId\":\"%s\",\"atMs\":%lld}\n",
      ending.kind, ending.code, ending.signal, ending.core ? "true" : "false",
      ending.vmm, ending.vmm_start, ending.boot_id,
      static_cast<long long>(now.tv_sec) * 1000 + now.tv_nsec / 1000000);
  if (unlink(temporary) != 0 && errno != ENOENT) return false;
  const int fd = open_own_file(temporary, O_WRONLY);
  if (fd < 0) return false;
  const bool written =
      write(fd, text, static_cast<size_t>(size)) == size && fsync(fd) == 0;
  close(fd);
  return written && rename(temporary, path) == 0 && sync_directory_of(path);
}

uint64_t start_time(pid_t pid) {
  char path[32];
  char text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (read_small(path, text, sizeof text) <= 0) return 0;
  const char* at = strrchr(text, ')');  // the name may hold any byte
  // Field 3 follows the parenthesis; 22 is the nineteenth after it.
  for (int field = 2; at != nullptr && field < 22; ++field) {
    at = strchr(at + 1, ' ');
  }
  return at == nullptr ? 0 : strtoull(at + 1, nullptr, 10);
}

bool read_boot_id(char (&id)[40]) {
  const ssize_t got =
      read_small("/proc/sys/kernel/random/boot_id", id, sizeof id);
  if (got < 36) return false;
  id[36] = '\0';
  return true;
}

}  // namespace chrysalis::shim
