#include "tests/controller/runtime/webhook/client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace chrysalis::runtime {

const kube_tools::Certificates& certificates() {
  static const kube_tools::Certificates made = [] {
    std::signal(SIGPIPE, SIG_IGN);
    auto out = kube_tools::make_certificates();
    EXPECT_TRUE(out) << out.error().message;
    return *out;
  }();
  return made;
}

std::shared_ptr<ServerTls> test_tls() {
  auto made = ServerTls::make(certificates().server, certificates().server_key);
  EXPECT_TRUE(made) << made.error().message;
  return *made;
}

bool Told::keeps_alive() const {
  return status != 0 && head.find("Connection: close") == std::string::npos;
}

struct TestClient::Tls {
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  ~Tls() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
};

TestClient::TestClient(uint16_t port)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval bound{20, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to), sizeof to),
            0);
}

TestClient::~TestClient() = default;

bool TestClient::handshake(int max_version) {
  tls_ = std::make_unique<Tls>();
  tls_->context = SSL_CTX_new(TLS_client_method());
  if (max_version != 0) {
    // Old versions need weak ciphers: the client would take anything.
    SSL_CTX_set_cipher_list(tls_->context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(tls_->context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls_->context, max_version);
  }
  tls_->ssl = SSL_new(tls_->context);
  SSL_set_fd(tls_->ssl, fd_.get());
  return SSL_connect(tls_->ssl) == 1;
}

std::string TestClient::tls_version() const {
  return SSL_get_version(tls_->ssl);
}

bool TestClient::send(const std::string& text) {
  return SSL_write(tls_->ssl, text.data(), static_cast<int>(text.size())) ==
         static_cast<int>(text.size());
}

bool TestClient::send_raw(const std::string& text) {
  return ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

Told TestClient::receive() {
  std::array<char, 16384> piece{};
  const auto more = [&] {
    const int n = SSL_read(tls_->ssl, piece.data(), piece.size());
    if (n > 0) read_.append(piece.data(), static_cast<size_t>(n));
    return n > 0;
  };
  size_t end = 0;
  while ((end = read_.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return {};
  Told out;
  out.head = read_.substr(0, end + 2);
  read_.erase(0, end + 4);
  out.status = std::stoi(out.head.substr(9));
  const std::string key = "Content-Length: ";
  const auto at = out.head.find(key);
  const size_t length = at == std::string::npos
                            ? 0
                            : std::stoul(out.head.substr(at + key.size()));
  while (read_.size() < length)
    if (!more()) return {};
  out.body = read_.substr(0, length);
  read_.erase(0, length);
  return out;
}

bool TestClient::ended() {
  char one = 0;
  errno = 0;
  if (tls_) {
    return read_.empty() && SSL_read(tls_->ssl, &one, 1) <= 0 &&
           errno != EAGAIN;
  }
  return ::recv(fd_.get(), &one, 1, 0) <= 0 && errno != EAGAIN;
}

std::string post(const std::string& body, const std::string& path,
                 const std::string& more) {
  return "POST " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace chrysalis::runtime
