#include "tests/fakes/fake_vmm/http/server.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace chrysalis::fake_vmm {
namespace {
constexpr size_t kMaxConnections = 10;
}

HttpServer::HttpServer(UniqueFd listener, std::string name, size_t max_body)
    : listener_(std::move(listener)),
      name_(std::move(name)),
      max_body_(max_body) {}

void HttpServer::add_to(std::vector<pollfd>& fds) const {
  fds.push_back({listener_.get(), POLLIN, 0});
  for (const auto& [fd, connection] : connections_) {
    const short out = connection.out.empty() ? short{0} : short{POLLOUT};
    fds.push_back({fd, static_cast<short>(POLLIN | POLLRDHUP | out), 0});
  }
}

void HttpServer::accept_one() {
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr,
                        SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) return;
  if (connections_.size() >= kMaxConnections) {
    const std::string body = R"({ "error": "Too many open connections" })";
    const std::string text = "HTTP/1.1 503 \r\nServer: " + name_ +
                             "\r\nConnection: close\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body;
    (void)!::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return;
  }
  const int number = fd.get();
  connections_.emplace(number,
                       Connection{std::move(fd), RequestParser(max_body_), ""});
}

std::string HttpServer::encode(const HttpReply& reply) const {
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) +
                     " \r\nServer: " + name_ + "\r\nConnection: keep-alive\r\n";
  if (reply.status != 204 && reply.status != 100) {
    const std::string body = reply.body.value_or("");
    text += "Content-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body;
  } else {
    text += "\r\n";
  }
  return text;
}

void HttpServer::read(Connection& connection, const Handler& handle,
                      bool& gone) {
  char buffer[4096];
  const ssize_t got = ::recv(connection.fd.get(), buffer, sizeof buffer, 0);
  if (got <= 0) {
    gone = got == 0 || (errno != EAGAIN && errno != EINTR);
    return;
  }
  connection.parser.append(buffer, static_cast<size_t>(got));
  while (auto request = connection.parser.next()) {
    const HttpReply reply = handle(*request);
    if (reply.drop) {
      gone = true;
      return;
    }
    connection.out += encode(reply);
  }
  if (!connection.parser.error().empty()) {
    HttpReply reply{400,
                    "{ \"error\": \"" + connection.parser.error() +
                        "\nAll previous unanswered requests will be "
                        "dropped.\" }",
                    false};
    connection.out += encode(reply);
    connection.parser.clear_error();
  } else if (connection.parser.take_continue()) {
    connection.out += encode({100, std::nullopt, false});
  }
}

bool HttpServer::write(Connection& connection) {
  while (!connection.out.empty()) {
    const ssize_t sent =
        ::send(connection.fd.get(), connection.out.data(),
               connection.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    connection.out.erase(0, static_cast<size_t>(sent));
  }
  return true;
}

void HttpServer::serve(const std::vector<pollfd>& fds, const Handler& handle) {
  for (const pollfd& ready : fds) {
    if (ready.revents == 0) continue;
    if (ready.fd == listener_.get()) {
      accept_one();
      continue;
    }
    const auto it = connections_.find(ready.fd);
    if (it == connections_.end()) continue;
    // A hang-up wins over data: what was sent just before it may be lost.
    bool gone = (ready.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
    if (!gone && (ready.revents & POLLIN) != 0) {
      read(it->second, handle, gone);
    }
    if (!gone) gone = !write(it->second);
    if (gone) connections_.erase(it);
  }
}

void HttpServer::flush() {
  for (auto& [fd, connection] : connections_) (void)write(connection);
}

}  // namespace chrysalis::fake_vmm
