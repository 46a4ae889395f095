#include "src/hypervisor/pause_guard.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace chrysalis::hypervisor {
namespace {

// Waits for readability until the deadline.
Result<void> wait_readable(int fd, Mono deadline) {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(
        deadline - std::chrono::steady_clock::now());
    struct pollfd entry = {fd, POLLIN, 0};
    const int ready = ::poll(
        &entry, 1, left.count() <= 0 ? 0 : static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready == 0) return fail(Code::kTimeout, "the shim does not answer");
    if (errno != EINTR) return tl::unexpected(from_errno(errno, "poll"));
  }
}

Result<GuardFired> parse_fired(const std::string& text) {
  if (text == "not") return GuardFired::kNot;
  if (text == "deadline") return GuardFired::kDeadline;
  if (text == "closed") return GuardFired::kClosed;
  return fail(Code::kUnavailable, "the shim said: " + text);
}

}  // namespace

Result<PauseGuard> PauseGuard::connect(const std::filesystem::path& shim_socket,
                                       Mono deadline) {
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string& path = shim_socket.native();
  if (path.size() >= sizeof address.sun_path)
    return fail(Code::kInvalid, path + ": too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size());
  UniqueFd socket(
      ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return tl::unexpected(from_errno(errno, "socket"));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0)
    return fail(Code::kUnavailable,
                std::string("no shim answers: ") + std::strerror(errno));
  PauseGuard guard(std::move(socket));
  CHRYSALIS_ASSIGN(const std::string greeting, guard.hear(deadline));
  if (greeting != "hello")
    return fail(Code::kUnavailable, "the shim said: " + greeting);
  return guard;
}

Result<std::string> PauseGuard::ask(std::string_view request, Mono deadline) {
  if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0 &&
      errno != EPIPE)
    return tl::unexpected(from_errno(errno, "ask the shim"));
  return hear(deadline);
}

Result<std::string> PauseGuard::hear(Mono deadline) {
  CHRYSALIS_TRY(wait_readable(socket_.get(), deadline));
  char answer[64];
  const ssize_t size = ::recv(socket_.get(), answer, sizeof answer, 0);
  if (size <= 0) return fail(Code::kUnavailable, "the shim hung up");
  std::string text(answer, static_cast<size_t>(size));
  if (text == "busy")
    return fail(Code::kConflict, "the guard is armed, or still resuming");
  return text;
}

Result<void> PauseGuard::arm(milliseconds budget, Mono deadline) {
  CHRYSALIS_ASSIGN(const std::string answer,
                   ask("arm " + std::to_string(budget.count()), deadline));
  if (answer == "armed") return {};
  return fail(Code::kInvalid, "the shim said: " + answer);
}

Result<GuardFired> PauseGuard::disarm(Mono deadline) {
  CHRYSALIS_ASSIGN(const std::string answer, ask("disarm", deadline));
  return parse_fired(answer);
}

Result<GuardFired> PauseGuard::last(Mono deadline) {
  CHRYSALIS_ASSIGN(const std::string answer, ask("last", deadline));
  return parse_fired(answer);
}

}  // namespace chrysalis::hypervisor
