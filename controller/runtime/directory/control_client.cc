#include "controller/runtime/directory/control_client.h"

#include <sys/socket.h>

#include <cerrno>

#include "controller/runtime/directory/control_socket.h"
#include "src/base/unique_fd.h"

namespace chrysalis::runtime::directory {
namespace {

tl::unexpected<Error> not_running(const std::filesystem::path& socket,
                                  const Error& why) {
  return fail(
      Code::kUnavailable,
      "`chrysalis standalone` is not running on this state directory (" +
          socket.native() + ": " + why.message +
          "); start it, or name another with --state-dir");
}

Result<UniqueFd> connect_to(const std::filesystem::path& socket) {
  CHRYSALIS_ASSIGN(const sockaddr_un address, socket_address(socket));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, "socket"));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) == 0)
    return fd;
  const int error = errno;
  if (error == EACCES || error == EPERM)
    return fail(Code::kInvalid, "only root may ask " + socket.native());
  return not_running(socket, from_errno(error, "connect"));
}

}  // namespace

Result<std::string> ask_standalone(const std::filesystem::path& socket,
                                   const DeleteRequest& request,
                                   const Clock& clock) {
  CHRYSALIS_ASSIGN(const UniqueFd fd, connect_to(socket));
  const Mono deadline = clock.mono() + request.wait + kControlGrace;
  CHRYSALIS_TRY(write_line(fd.get(), encode(request), deadline));
  auto line = read_line(fd.get(), kControlLineMax, deadline, -1);
  if (!line)
    return tl::unexpected<Error>(
        with_context(line.error(), "no answer from " + socket.native()));
  return decode_answer(*line);
}

}  // namespace chrysalis::runtime::directory
