#include "controller/runtime/directory/control_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "controller/runtime/directory/control_socket.h"
#include "src/base/log.h"
#include "src/base/unique_fd.h"

namespace chrysalis::runtime::directory {
namespace {

constexpr int kBacklog = 16;

bool comes_from(int fd, uid_t allowed) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == allowed;
}

// Bound before anybody may connect: listen() comes after chmod.
Result<UniqueFd> listen_at(const std::filesystem::path& socket) {
  CHRYSALIS_ASSIGN(const sockaddr_un address, socket_address(socket));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, "socket"));
  ::unlink(socket.c_str());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
             sizeof address) != 0 ||
      ::chmod(socket.c_str(), 0600) != 0 || ::listen(fd.get(), kBacklog) != 0)
    return tl::unexpected(from_errno(errno, socket.native()));
  return fd;
}

class Server final : public ControlServer {
 public:
  Server(std::filesystem::path path, UniqueFd socket, UniqueFd stop,
         Handler handler, Options options)
      : path_(std::move(path)),
        socket_(std::move(socket)),
        stop_(std::move(stop)),
        handler_(std::move(handler)),
        options_(options) {
    for (int i = 0; i < kWorkers; ++i)
      workers_.emplace_back(
          [this](const std::stop_token& stopping) { work(stopping); });
  }
  ~Server() override {
    for (auto& worker : workers_) worker.request_stop();
    const uint64_t one = 1;  // never read: it wakes every worker for good
    [[maybe_unused]] const auto written =
        ::write(stop_.get(), &one, sizeof one);
    workers_.clear();
    ::unlink(path_.c_str());
  }

 private:
  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> fds = {pollfd{socket_.get(), POLLIN, 0},
                                   pollfd{stop_.get(), POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      if (fds[1].revents != 0) return;
      const UniqueFd peer(
          ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.valid()) serve(peer.get(), stop);  // else another worker had it
    }
  }

  void serve(int fd, const std::stop_token& stop) {
    const Result<std::string> answer = answer_to(fd, stop);
    if (!answer)
      log::warning("control request was refused",
                   {{"error", answer.error().message}});
    // Who hung up hears nothing; what was accepted goes on.
    if (auto sent = write_line(fd, encode_answer(answer), io_deadline()); !sent)
      log::debug("control answer was not heard",
                 {{"error", sent.error().message}});
  }

  // The line is read from anybody: an answer given before it may not be heard.
  Result<std::string> answer_to(int fd, const std::stop_token& stop) {
    CHRYSALIS_ASSIGN(
        const std::string line,
        read_line(fd, kControlLineMax, io_deadline(), stop_.get()));
    if (!comes_from(fd, options_.allowed_uid))
      return fail(Code::kInvalid, "only root may ask");
    CHRYSALIS_ASSIGN(const DeleteRequest request, decode_request(line));
    return handler_(request, stop);
  }

  [[nodiscard]] Mono io_deadline() const {
    return SystemClock{}.mono() + options_.io_deadline;
  }

  std::filesystem::path path_;
  UniqueFd socket_, stop_;
  Handler handler_;
  Options options_;
  std::vector<std::jthread> workers_;  // last: they use all of the above
};

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(
    const std::filesystem::path& socket, Handler handler, Options options) {
  CHRYSALIS_ASSIGN(UniqueFd fd, listen_at(socket));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return tl::unexpected(from_errno(errno, "eventfd"));
  return std::make_unique<Server>(socket, std::move(fd), std::move(stop),
                                  std::move(handler), options);
}

ControlServer::Handler deleting_from(DirectoryObjects& objects,
                                     const Clock& clock) {
  return
      [&objects, &clock](const DeleteRequest& request,
                         const std::stop_token& stop) -> Result<std::string> {
        CHRYSALIS_ASSIGN(const std::string uid, objects.ask_delete(request.id));
        const std::string what = to_string(request.id);
        if (request.wait == milliseconds{0}) return what + " is being deleted";
        CHRYSALIS_TRY(objects.wait_gone(request.id, uid,
                                        clock.mono() + request.wait, stop));
        return what + " is gone";
      };
}

}  // namespace chrysalis::runtime::directory
