#include "src/image/new_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

namespace chrysalis::image {
namespace {

using Path = std::filesystem::path;

tl::unexpected<Error> failed(std::string_view call, const Path& path) {
  return tl::unexpected<Error>(
      from_errno(errno, std::string(call) + " " + path.string()));
}

struct Ends {
  int from, to;
  const Path& shown;
  const Path& dest;
};

tl::unexpected<Error> shrank(const Ends& ends) {
  return fail(Code::kConflict,
              ends.shown.string() + " shrank while it was copied");
}

// Where two file systems share no copy in the kernel (EXDEV and its like).
Result<void> copy_by_hand(const Ends& ends, off_t at, off_t end) {
  std::vector<char> buffer(1 << 20);
  while (at < end) {
    const size_t want = std::min(buffer.size(), static_cast<size_t>(end - at));
    const ssize_t n = ::pread(ends.from, buffer.data(), want, at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", ends.shown);
    if (n == 0) return shrank(ends);
    for (ssize_t done = 0; done < n;) {
      const ssize_t put = ::pwrite(ends.to, buffer.data() + done,
                                   static_cast<size_t>(n - done), at + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return failed("write", ends.dest);
      done += put;
    }
    at += n;
  }
  return {};
}

Result<void> copy_range(const Ends& ends, off_t at, off_t end) {
  off_t to = at;
  while (at < end) {
    const ssize_t n = ::copy_file_range(ends.from, &at, ends.to, &to,
                                        static_cast<size_t>(end - at), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP ||
                  errno == ENOSYS))
      return copy_by_hand(ends, at, end);
    if (n < 0) return failed("copy to", ends.dest);
    if (n == 0) return shrank(ends);
  }
  return {};
}

// The data of `from`; its holes stay holes in the new, empty file.
Result<void> sparse_copy(const Ends& ends, off_t size) {
  for (off_t at = 0; at < size;) {
    off_t data = ::lseek(ends.from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // holes to the end
    if (data < 0) data = at;                // cannot tell: all of it is data
    off_t hole = ::lseek(ends.from, data, SEEK_HOLE);
    if (hole < 0) hole = size;
    hole = std::min(hole, size);
    CHRYSALIS_TRY(copy_range(ends, data, hole));
    at = std::max(hole, at + 1);
  }
  return {};
}

}  // namespace

Result<NewFile> NewFile::create(const Path& path, uint32_t mode) {
  CHRYSALIS_TRY(remove_file(path));
  UniqueFd fd(::open(path.c_str(),
                     O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.valid()) return failed("create", path);
  NewFile file(std::move(fd), path);
  if (::fchmod(file.fd(), mode) != 0) return failed("chmod", path);
  return file;
}

NewFile::~NewFile() {
  if (fd_.valid() && !kept_) (void)::unlink(path_.c_str());
}

Result<void> NewFile::copy(int from, const FileId& recorded,
                           const Path& shown) {
  if (::ioctl(fd(), FICLONE, from) != 0) {
    CHRYSALIS_TRY(resize(recorded.size));
    CHRYSALIS_TRY(sparse_copy({from, fd(), shown, path_},
                              static_cast<off_t>(recorded.size)));
  }
  // Afterwards, so that it covers the time before the copy and the copy.
  CHRYSALIS_ASSIGN(const FileId now, file_id(from, shown));
  if (now != recorded)
    return fail(Code::kConflict,
                shown.string() + " changed since its digest was taken");
  return {};
}

Result<void> NewFile::resize(uint64_t bytes) {
  // ftruncate takes a signed size; EFBIG is this file system's own limit.
  if (bytes > static_cast<uint64_t>(std::numeric_limits<off_t>::max()))
    errno = EFBIG;
  else if (::ftruncate(fd(), static_cast<off_t>(bytes)) == 0)
    return {};
  if (errno != EFBIG) return failed("resize", path_);
  return fail(Code::kInvalid, path_.string() + " cannot have " +
                                  std::to_string(bytes) +
                                  " bytes on this file system");
}

Result<void> NewFile::chown(uint32_t uid) {
  if (::fchown(fd(), uid, static_cast<gid_t>(-1)) != 0)
    return failed("chown", path_);
  return {};
}

Result<void> NewFile::sync() {
  while (::fsync(fd()) != 0)
    if (errno != EINTR) return failed("fsync", path_);
  return {};
}

Result<void> remove_file(const Path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return failed("remove", path);
  return {};
}

}  // namespace chrysalis::image
