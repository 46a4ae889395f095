#include "src/hypervisor/unix_http.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;

constexpr size_t kMaxHeader = 8192;

// Milliseconds for poll(), rounded up so that it never spins.
int remaining(Deadline deadline) {
  const auto left = deadline - Mono::clock::now();
  if (left <= left.zero()) return 0;
  const auto ms = std::chrono::ceil<milliseconds>(left).count();
  return static_cast<int>(std::min<int64_t>(ms, 3'600'000));
}

// True when the descriptor is ready, false at the deadline.
Result<bool> wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, remaining(deadline));
    if (ready > 0) return true;
    if (ready == 0 && Mono::clock::now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return fail(Code::kTimeout, "poll failed");
  }
}

// The socket itself, never what a link under its name leads to: who may make
// files in that directory, its group, is not to be trusted.
Result<UniqueFd> find_socket(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() && errno == ENAMETOOLONG)
    return fail(Code::kInvalid, "socket path is too long: " + path.string());
  if (!fd.valid())
    return fail(Code::kUnavailable,
                std::string("connect: ") + std::strerror(errno));
  struct stat found{}, directory{};
  if (::fstat(fd.get(), &found) != 0 ||
      ::stat(path.parent_path().c_str(), &directory) != 0)
    return tl::unexpected(from_errno(errno, "stat " + path.string()));
  // The user and the group of a VM have one number.
  const bool owned =
      found.st_uid == directory.st_gid || found.st_uid == ::geteuid();
  if (S_ISSOCK(found.st_mode) && owned) return fd;
  return fail(Code::kInvalid, path.string() + " is not its VMM's socket");
}

Result<UniqueFd> connect_to(const std::filesystem::path& path,
                            Deadline deadline) {
  CHRYSALIS_ASSIGN(const UniqueFd place, find_socket(path));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d",
                place.get());

  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, "socket"));
  for (;;) {
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == 0)
      return fd;
    if (errno == EINTR) continue;
    // EAGAIN: the backlog is full. It cannot be polled for, so look again
    // every millisecond, as long as the caller has time.
    if (errno != EAGAIN)
      return fail(Code::kUnavailable,
                  std::string("connect: ") + std::strerror(errno));
    if (Mono::clock::now() >= deadline)
      return fail(Code::kUnavailable, "connect: the backlog is full");
    ::poll(nullptr, 0, 1);
  }
}

Result<void> send_all(int fd, std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    // A peer that answers before it read all (503) closes early: its answer
    // may be waiting, so a broken pipe is left to the reader.
    if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
    if (n < 0 && errno != EAGAIN)
      return fail(Code::kTimeout, std::string("send: ") + std::strerror(errno));
    CHRYSALIS_ASSIGN(const bool ready, wait_for(fd, POLLOUT, deadline));
    if (!ready) return fail(Code::kTimeout, "deadline passed while sending");
  }
  return {};
}

// True when nothing more is to come. A body is announced by its length or
// there is none: this server never ends one by closing.
bool complete(const Parser& parser) {
  if (parser.is_done()) return true;
  return parser.is_header_done() && !parser.chunked() &&
         !parser.content_length();
}

// Feeds what has been read. False: more is needed.
Result<bool> parse(Parser& parser, std::string& pending) {
  while (!pending.empty() && !complete(parser)) {
    boost::system::error_code error;
    const size_t used =
        parser.put(boost::asio::buffer(pending.data(), pending.size()), error);
    pending.erase(0, used);
    if (error == http::error::need_more) break;
    if (error == http::error::body_limit)
      return fail(Code::kCorrupt, "the answer is too large");
    if (error)
      return fail(Code::kCorrupt, "not an HTTP answer: " + error.message());
  }
  if (!parser.is_header_done() && pending.size() > kMaxHeader)
    return fail(Code::kCorrupt, "the answer's header is too large");
  return complete(parser);
}

Result<HttpResponse> receive(int fd, Deadline deadline, size_t max_body) {
  Parser parser;
  parser.body_limit(max_body);
  parser.header_limit(kMaxHeader);
  std::string pending;
  std::array<char, 16384> chunk{};
  for (;;) {
    CHRYSALIS_ASSIGN(const bool ready, wait_for(fd, POLLIN, deadline));
    if (!ready)
      return fail(Code::kTimeout, "deadline passed before the answer");
    const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0)
      return fail(Code::kTimeout, "the connection broke before the answer");
    pending.append(chunk.data(), static_cast<size_t>(n));
    CHRYSALIS_ASSIGN(const bool done, parse(parser, pending));
    if (!done) continue;
    HttpResponse response;
    response.status = parser.get().result_int();
    response.body = std::move(parser.get().body());
    return response;
  }
}

}  // namespace

Result<HttpResponse> call(const std::filesystem::path& socket,
                          const HttpRequest& request, Deadline deadline,
                          size_t max_body) {
  CHRYSALIS_ASSIGN(const UniqueFd fd, connect_to(socket, deadline));
  CHRYSALIS_TRY(send_all(fd.get(), wire_format(request), deadline));
  CHRYSALIS_ASSIGN(HttpResponse response,
                   receive(fd.get(), deadline, max_body));
  if (response.status == 503)
    return fail(Code::kUnavailable, "the VMM has too many connections");
  return response;
}

Result<void> knock(const std::filesystem::path& socket, Deadline deadline) {
  CHRYSALIS_TRY(connect_to(socket, deadline));
  return {};
}

}  // namespace chrysalis::hypervisor
