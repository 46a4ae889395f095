#include "tests/kube/ready_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string_view>

#include "src/base/unique_fd.h"

namespace chrysalis::kube_tools {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
};
struct FreeConnection {
  void operator()(SSL* c) const { SSL_free(c); }
};

UniqueFd connect_loopback(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(static_cast<uint16_t>(port));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                sizeof address) != 0)
    fd.reset();
  return fd;
}

}  // namespace

bool is_ready(int port, const std::string& token) {
  const UniqueFd fd = connect_loopback(port);
  if (!fd.valid()) return false;
  const std::unique_ptr<SSL_CTX, FreeContext> context(
      SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, FreeConnection> tls(SSL_new(context.get()));
  SSL_set_fd(tls.get(), fd.get());
  if (SSL_connect(tls.get()) != 1) return false;
  const std::string request =
      "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
      "Authorization: Bearer " +
      token + "\r\n\r\n";
  if (SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) <=
      0)
    return false;
  std::array<char, 64> answer{};
  const int n = SSL_read(tls.get(), answer.data(), answer.size());
  return n > 0 && std::string_view(answer.data(), static_cast<size_t>(n))
                      .starts_with("HTTP/1.1 200");
}

}  // namespace chrysalis::kube_tools
