#include "src/store/state_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <string>

namespace chrysalis::store {
namespace {

std::string holder(int fd) {
  char text[16] = {};
  const ssize_t n = ::pread(fd, text, sizeof text - 1, 0);
  std::string pid(text, n > 0 ? static_cast<size_t>(n) : 0);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  const bool digits =
      std::ranges::all_of(pid, [](char c) { return c >= '0' && c <= '9'; });
  return pid.empty() || !digits ? "unknown" : pid;
}

}  // namespace

Result<StateLock> StateLock::take(const std::filesystem::path& lock_file) {
  UniqueFd fd(::open(lock_file.c_str(),
                     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid())
    return tl::unexpected<Error>(
        from_errno(errno, "open " + lock_file.string()));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return tl::unexpected<Error>(
          from_errno(errno, "lock " + lock_file.string()));
    return fail(Code::kConflict,
                "another process (pid " + holder(fd.get()) + ") uses " +
                    lock_file.parent_path().string() +
                    ": stop it first, or choose another --state-dir");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), pid.data(), pid.size(), 0) !=
          static_cast<ssize_t>(pid.size()))
    return tl::unexpected<Error>(
        from_errno(errno, "write " + lock_file.string()));
  return StateLock(std::move(fd));
}

}  // namespace chrysalis::store
