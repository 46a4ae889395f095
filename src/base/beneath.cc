#include "src/base/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace chrysalis {
namespace {

using Path = std::filesystem::path;

// EAGAIN: the kernel lost a race with a rename and cannot vouch for the path.
constexpr int kTries = 16;

int openat2_beneath(int directory, const std::string& name, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int i = 0; i < kTries; ++i) {
    fd = ::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return static_cast<int>(fd);
}

tl::unexpected<Error> refused(int error, const Path& shown) {
  const std::string path = shown.string();
  switch (error) {
    case ENOENT:
      return fail(Code::kNotFound, path + " is missing");
    case ELOOP:
      return fail(Code::kInvalid, path +
                                      " is a symbolic link: put the file "
                                      "itself there, links are not "
                                      "followed");
    case EXDEV:
      return fail(Code::kInvalid, path + " leaves its root");
    case ENOTDIR:
      return fail(Code::kInvalid, path + " is not a directory");
    case ENXIO:  // a socket, or a device without a driver
      return fail(Code::kInvalid, path + " is not a regular file");
    case ENOSYS:
      return fail(Code::kUnsupported,
                  "this kernel has no openat2 (Linux 5.6 or newer is needed)");
    default:
      return tl::unexpected<Error>(from_errno(error, "open " + path));
  }
}

}  // namespace

Result<UniqueFd> open_directory_beneath(int root, const std::string& name,
                                        const Path& shown) {
  UniqueFd fd(openat2_beneath(root, name, O_PATH | O_DIRECTORY));
  if (!fd.valid()) {
    const int error = errno;
    // O_DIRECTORY answers ENOTDIR for a link too; say which it is.
    struct stat s{};
    if (error == ENOTDIR &&
        ::fstatat(root, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(s.st_mode))
      return refused(ELOOP, shown);
    return refused(error, shown);
  }
  return fd;
}

Result<UniqueFd> open_file_beneath(int directory, const std::string& name,
                                   const Path& shown) {
  // O_NONBLOCK: a FIFO nobody writes must not hang us. On a file it does
  // nothing.
  UniqueFd fd(
      openat2_beneath(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return refused(errno, shown);
  struct stat s{};
  if (::fstat(fd.get(), &s) != 0)
    return tl::unexpected<Error>(from_errno(errno, "stat " + shown.string()));
  if (!S_ISREG(s.st_mode))
    return fail(Code::kInvalid, shown.string() + " is not a regular file");
  return fd;
}

}  // namespace chrysalis
