#pragma once

// The answering end of STATE/control.sock: one request a connection, at most
// kWorkers at a time (others wait in the backlog); each read and write has a
// deadline; who is not root is refused by the kernel's word (SO_PEERCRED).
// Thread-safety: start and destruction by one thread; the handler is called
//   from several. It must end soon after its stop token says so.
// Errors of start: kUnavailable, kInvalid (the path is too long).
// REQUIRES: the caller holds the StateLock, so an old socket is a dead one's.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "controller/runtime/directory/control_protocol.h"
#include "controller/runtime/directory/directory_objects.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::runtime::directory {

class ControlServer {
 public:
  static constexpr int kWorkers = 4;
  struct Options {
    uid_t allowed_uid = 0;
    milliseconds io_deadline{5'000};
  };
  using Handler =
      std::function<Result<std::string>(const DeleteRequest&, std::stop_token)>;

  static Result<std::unique_ptr<ControlServer>> start(
      const std::filesystem::path& socket, Handler handler, Options options);
  virtual ~ControlServer() = default;  // stops, joins, removes the socket
};

// What standalone answers with: accept, then wait until it is gone.
ControlServer::Handler deleting_from(DirectoryObjects& objects,
                                     const Clock& clock);

}  // namespace chrysalis::runtime::directory
