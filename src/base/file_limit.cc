#include "src/base/file_limit.h"

#include <sys/resource.h>

#include <cerrno>

namespace chrysalis {

Result<> raise_file_limit() {
  struct rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
    return tl::unexpected(from_errno(errno, "getrlimit"));
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0)
    return tl::unexpected(from_errno(errno, "setrlimit"));
  return {};
}

}  // namespace chrysalis
