#include "src/image/file_id.h"

#include <sys/stat.h>

#include <cerrno>

namespace chrysalis::image {

Result<FileId> file_id(int fd, const std::filesystem::path& shown) {
  struct stat s{};
  if (::fstat(fd, &s) != 0)
    return tl::unexpected<Error>(from_errno(errno, "stat " + shown.string()));
  return FileId{s.st_dev, s.st_ino, static_cast<uint64_t>(s.st_size),
                s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec};
}

}  // namespace chrysalis::image
