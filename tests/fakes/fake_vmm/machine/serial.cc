#include "tests/fakes/fake_vmm/machine/serial.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace chrysalis::fake_vmm {

Os<Serial> Serial::file(const std::string& path) {
  Serial serial;
  serial.out_ = UniqueFd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!serial.out_.valid()) return tl::unexpected<int>(errno);
  return serial;
}

Os<Serial> Serial::socket(const std::string& path) {
  Serial serial;
  auto listener = listen_unix(path);
  if (!listener) return tl::unexpected<int>(listener.error());
  serial.listener_ = std::move(*listener);
  serial.path_ = path;
  return serial;
}

Serial Serial::stdio() {
  Serial serial;
  serial.stdio_ = true;
  serial.in_ = STDIN_FILENO;
  return serial;
}

Serial& Serial::operator=(Serial&& other) noexcept {
  if (this == &other) return *this;
  close();
  out_ = std::move(other.out_);
  listener_ = std::move(other.listener_);
  client_ = std::move(other.client_);
  path_ = std::exchange(other.path_, "");
  in_ = std::exchange(other.in_, -1);
  stdio_ = std::exchange(other.stdio_, false);
  input_ = std::exchange(other.input_, "");
  return *this;
}

Serial::~Serial() { close(); }

void Serial::close() {
  if (listener_.valid() && !path_.empty()) ::unlink(path_.c_str());
  path_.clear();
}

void Serial::write(std::string_view text) {
  if (client_.valid()) {
    (void)!::send(client_.get(), text.data(), text.size(),
                  MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  const int to = stdio_ ? STDOUT_FILENO : out_.get();
  if (to < 0) return;
  pollfd ready{to, POLLOUT, 0};
  if (::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0) {
    (void)!::write(to, text.data(), text.size());
  }
}

void Serial::add_to(std::vector<pollfd>& fds) const {
  if (in_ >= 0) fds.push_back({in_, POLLIN, 0});
  if (client_.valid()) {
    fds.push_back({client_.get(), POLLIN, 0});
  } else if (listener_.valid()) {
    fds.push_back({listener_.get(), POLLIN, 0});
  }
}

void Serial::serve(const std::vector<pollfd>& fds) {
  for (const pollfd& ready : fds) {
    if (ready.revents == 0) continue;
    if (listener_.valid() && ready.fd == listener_.get()) {
      client_ = UniqueFd(::accept4(listener_.get(), nullptr, nullptr,
                                   SOCK_CLOEXEC | SOCK_NONBLOCK));
      return;
    }
    const bool from_client = client_.valid() && ready.fd == client_.get();
    if (!from_client && (in_ < 0 || ready.fd != in_)) continue;
    char buffer[256];
    const ssize_t got = ::read(ready.fd, buffer, sizeof buffer);
    if (got > 0) {
      input_.append(buffer, static_cast<size_t>(got));
    } else if (from_client) {
      client_.reset();
    } else if (got == 0 || errno != EAGAIN) {
      in_ = -1;  // end of input: nothing will ever come
    }
    return;
  }
}

std::string Serial::take_input() { return std::exchange(input_, ""); }

}  // namespace chrysalis::fake_vmm
