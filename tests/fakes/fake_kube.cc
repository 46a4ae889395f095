#include "tests/fakes/fake_kube.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace chrysalis::fakes {
namespace {

SSL_CTX* make_context(const FakeTls& tls) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  const auto bio = [](const std::string& text) {
    return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  };
  BIO* in = bio(tls.certificate);
  X509* leaf = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  in = bio(tls.key);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  if (SSL_CTX_use_certificate(context, leaf) != 1 ||
      SSL_CTX_use_PrivateKey(context, key) != 1)
    std::abort();
  X509_free(leaf);
  EVP_PKEY_free(key);
  if (!tls.client_ca.empty()) {
    in = bio(tls.client_ca);
    X509* ca = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
    BIO_free(in);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca);
    X509_free(ca);
    SSL_CTX_set_verify(
        context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

// "Name: value" lines after the first; names in lower case.
std::map<std::string, std::string> headers_of(std::string_view head) {
  std::map<std::string, std::string> out;
  size_t at = head.find("\r\n");
  while (at != std::string_view::npos && at + 2 < head.size()) {
    const size_t end = std::min(head.find("\r\n", at + 2), head.size());
    const std::string_view line = head.substr(at + 2, end - at - 2);
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      });
      const size_t value = line.find_first_not_of(' ', colon + 1);
      out[name] = line.substr(std::min(value, line.size()));
    }
    at = end;
  }
  return out;
}

}  // namespace

struct FakeKube::Peer final : public Reply {
  int fd = -1;
  SSL* ssl = nullptr;
  bool open = true;
  std::string in;
  std::thread thread;

  void raw(std::string_view bytes) override {
    while (open && !bytes.empty()) {
      const int64_t n =
          ssl != nullptr
              ? SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()))
              : ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) {
        open = false;
        return;
      }
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  void drop() override {
    open = false;
    ::shutdown(fd, SHUT_RDWR);
  }
  bool more() {
    char buffer[4096];
    const int64_t n = ssl != nullptr ? SSL_read(ssl, buffer, sizeof buffer)
                                     : ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    in.append(buffer, static_cast<size_t>(n));
    return true;
  }
  void wait_for_client_to_close() override {
    while (more()) {
    }
    open = false;
  }
  std::optional<SeenRequest> next() {
    size_t end = 0;
    while ((end = in.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return std::nullopt;
    SeenRequest out;
    const std::string head = in.substr(0, end);
    const size_t space = head.find(' ');
    out.method = head.substr(0, space);
    out.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
    out.headers = headers_of(head);
    const auto length = out.headers.find("content-length");
    const size_t body =
        length == out.headers.end() ? 0 : std::stoul(length->second);
    while (in.size() < end + 4 + body)
      if (!more()) return std::nullopt;
    out.body = in.substr(end + 4, body);
    in.erase(0, end + 4 + body);
    return out;
  }
};

void Reply::answer(int status, std::string_view body,
                   std::string_view more_headers) {
  raw("HTTP/1.1 " + std::to_string(status) +
      " X\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n" + std::string(more_headers) +
      "\r\n" + std::string(body));
}

void Reply::open_stream(int status) {
  raw("HTTP/1.1 " + std::to_string(status) +
      " X\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
}

void Reply::chunk(std::string_view text) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  raw(size + std::string(text) + "\r\n");
}

void Reply::end_stream() { raw("0\r\n\r\n"); }

FakeKube::FakeKube(Script script, std::optional<FakeTls> tls)
    : script_(std::move(script)) {
  if (tls) tls_ = make_context(*tls);
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, generic, &size) != 0)
    std::abort();
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

FakeKube::~FakeKube() {
  stop();
  SSL_CTX_free(static_cast<SSL_CTX*>(tls_));
}

void FakeKube::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const auto& peer : peers_) ::shutdown(peer->fd, SHUT_RDWR);
  }
  acceptor_.join();
  for (const auto& peer : peers_) {
    peer->thread.join();
    ::close(peer->fd);
  }
  ::close(listener_);
}

void FakeKube::accept_all() {
  for (int number = 0;; ++number) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    auto& peer = *peers_.emplace_back(std::make_unique<Peer>());
    peer.fd = fd;
    if (stopping_) ::shutdown(fd, SHUT_RDWR);
    peer.thread = std::thread([this, &peer, number] { serve(peer, number); });
  }
}

void FakeKube::serve(Peer& peer, int number) {
  // OpenSSL answers a cut connection with an alert, by write(2).
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  if (tls_ != nullptr) {
    peer.ssl = SSL_new(static_cast<SSL_CTX*>(tls_));
    SSL_set_fd(peer.ssl, peer.fd);
    peer.open = SSL_accept(peer.ssl) == 1;
  }
  while (peer.open) {
    auto request = peer.next();
    if (!request) break;
    request->connection = number;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
      changed_.notify_all();
    }
    script_(*request, peer);
  }
  SSL_free(peer.ssl);
  ::shutdown(peer.fd, SHUT_RDWR);
}

std::string FakeKube::url(std::string_view host) const {
  return (tls_ != nullptr ? "https://" : "http://") + std::string(host) + ":" +
         std::to_string(port_);
}

std::vector<SeenRequest> FakeKube::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool FakeKube::wait_for(size_t requests) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, seconds(10), [this, requests] {
    return requests_.size() >= requests;
  });
}

}  // namespace chrysalis::fakes
