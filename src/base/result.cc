#include "src/base/result.h"

#include <cerrno>
#include <cstring>

namespace chrysalis {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kInvalid:
      return "invalid";
    case Code::kNotFound:
      return "not found";
    case Code::kConflict:
      return "conflict";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kTimeout:
      return "timeout";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kUnsupported:
      return "unsupported";
  }
  return "unknown";
}

Error with_context(Error error, std::string_view context) {
  error.message = std::string(context) + ": " + error.message;
  return error;
}

Error from_errno(int errno_value, std::string_view what) {
  Code code = Code::kUnavailable;
  if (errno_value == ENOENT || errno_value == ENOTDIR) code = Code::kNotFound;
  if (errno_value == ELOOP || errno_value == ENAMETOOLONG ||
      errno_value == EINVAL || errno_value == EXDEV)
    code = Code::kInvalid;
  if (errno_value == EEXIST) code = Code::kConflict;
  if (errno_value == ETIMEDOUT) code = Code::kTimeout;
  char buffer[256];
  return Error{code, std::string(what) + ": " +
                         strerror_r(errno_value, buffer, sizeof buffer)};
}

}  // namespace chrysalis
