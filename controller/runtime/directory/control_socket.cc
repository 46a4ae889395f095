#include "controller/runtime/directory/control_socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace chrysalis::runtime::directory {
namespace {

// Until `fd` is ready for `what`.
Result<> wait_for(int fd, short what, Mono deadline, int stop) {
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{fd, what, 0}, pollfd{stop, POLLIN, 0}};
    const int ready = ::poll(fds.data(), fds.size(), poll_timeout(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return tl::unexpected(from_errno(errno, "poll"));
    if (ready == 0) return fail(Code::kTimeout, "the other end is too slow");
    if (fds[1].revents != 0) return fail(Code::kUnavailable, "stopping");
    return {};
  }
}

bool again(int error) {
  return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

int poll_timeout(Mono deadline) {
  const auto left = std::chrono::ceil<milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return static_cast<int>(
      std::clamp<int64_t>(left.count(), 0, milliseconds(86'400'000).count()));
}

Result<sockaddr_un> socket_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.size() >= sizeof address.sun_path)
    return fail(Code::kInvalid, text + ": too long for a socket");
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

Result<std::string> read_line(int fd, size_t limit, Mono deadline, int stop) {
  std::string line;
  std::array<char, 1024> chunk{};
  for (;;) {
    CHRYSALIS_TRY(wait_for(fd, POLLIN, deadline, stop));
    const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && again(errno)) continue;
    if (got < 0) return tl::unexpected(from_errno(errno, "recv"));
    if (got == 0) return fail(Code::kUnavailable, "the other end hung up");
    const std::string_view bytes(chunk.data(), static_cast<size_t>(got));
    const size_t end = bytes.find('\n');
    line += bytes.substr(0, end);
    if (line.size() > limit)
      return fail(Code::kInvalid,
                  "a line of more than " + std::to_string(limit) + " bytes");
    if (end != std::string_view::npos) return line;
  }
}

Result<> write_line(int fd, std::string_view line, Mono deadline) {
  std::string bytes(line);
  bytes += '\n';
  std::string_view left = bytes;
  while (!left.empty()) {
    const ssize_t sent =
        ::send(fd, left.data(), left.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && again(errno)) {
      CHRYSALIS_TRY(wait_for(fd, POLLOUT, deadline, -1));
      continue;
    }
    if (sent < 0) return tl::unexpected(from_errno(errno, "send"));
    left.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

}  // namespace chrysalis::runtime::directory
