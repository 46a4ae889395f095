#pragma once

// What both ends of the control socket share: lines with a deadline.
// Thread-safety: one thread a descriptor. Errors: kTimeout, kUnavailable (the
// other end went), kInvalid (a line too long, a path too long).

#include <sys/un.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::runtime::directory {

Result<sockaddr_un> socket_address(const std::filesystem::path& path);

// The bytes before the first newline, at most `limit`. `stop`, if not -1, ends
// the wait when it becomes readable.
Result<std::string> read_line(int fd, size_t limit, Mono deadline, int stop);
// The line and a newline.
Result<> write_line(int fd, std::string_view line, Mono deadline);

// Milliseconds for poll(2), rounded up; 0 when it is past.
int poll_timeout(Mono deadline);

}  // namespace chrysalis::runtime::directory
