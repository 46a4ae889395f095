#include "controller/kube/beast/connection.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "controller/kube/beast/http_answer.h"
#include "controller/kube/beast/resolve.h"
#include "controller/kube/beast/socket_loop.h"

namespace chrysalis::kube::beast {
namespace {

namespace http = boost::beast::http;
using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket&>;
using PieceParser = http::response_parser<http::buffer_body>;

constexpr uint32_t kMaxHeadBytes = 64U << 10;
constexpr size_t kMaxRefusalBytes = size_t{1} << 20;
constexpr size_t kPieceBytes = size_t{64} << 10;

Mono steady_now() { return std::chrono::steady_clock::now(); }

// A peer that vanished without a word is noticed within a minute even when
// nobody set a shorter deadline.
void tune(int fd) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000);
}

class SocketConnection final : public Connection {
 public:
  explicit SocketConnection(std::shared_ptr<const TlsContext> tls)
      : tls_context_(std::move(tls)), buffer_(4 * kPieceBytes) {}

  Result<void> open(const Endpoint& endpoint,
                    const std::vector<Address>& addresses, Mono deadline,
                    const std::stop_token& stop);
  Result<Response> exchange(const WireRequest& request, size_t max_body_bytes,
                            Mono deadline,
                            const std::stop_token& stop) override;
  Result<StreamOutcome> stream(const WireRequest& request, StreamSink& sink,
                               const StreamLimits& limits, Mono head_deadline,
                               const std::stop_token& stop) override;
  bool reusable() override;
  bool answered() const override { return answered_; }

 private:
  Result<void> dial(const Address& address, Mono deadline);
  Result<void> shake_hands(const std::string& host, Mono deadline);
  Result<void> write(const WireRequest& request, Mono deadline);
  Result<StreamEnd> pass_on(PieceParser& parser, StreamSink& sink,
                            const StreamLimits& limits);
  Result<void> read_refusal(PieceParser& parser, Response& into, Mono deadline);

  // Begins an operation on the stream, whichever kind it is.
  template <class Begin>
  void begin(Completion& operation, Begin begin_on) {
    loop_.prepare();
    if (tls_)
      begin_on(*tls_, CompletionHandler{&operation});
    else
      begin_on(loop_.socket(), CompletionHandler{&operation});
  }
  template <class Begin>
  Result<void> perform(const char* doing, Mono deadline, Begin begin_on) {
    Completion operation;
    begin(operation, begin_on);
    loop_.finish(operation, deadline);
    return verdict(operation, doing);
  }
  Result<void> verdict(const Completion& operation, const char* doing);

  std::shared_ptr<const TlsContext> tls_context_;
  SocketLoop loop_;
  std::optional<TlsStream> tls_;
  boost::beast::flat_buffer buffer_;
  bool answered_ = false;
  bool whole_ = false;  // the last answer came to its end and may be followed
};

Result<void> SocketConnection::verdict(const Completion& operation,
                                       const char* doing) {
  if (!operation.error) return {};
  if (loop_.stopped()) return fail(Code::kUnavailable, "stopped");
  if (loop_.timed_out())
    return fail(Code::kTimeout, std::string(doing) + ": deadline passed");
  return tl::unexpected<Error>(error_of(operation.error, doing));
}

Result<void> SocketConnection::open(const Endpoint& endpoint,
                                    const std::vector<Address>& addresses,
                                    Mono deadline,
                                    const std::stop_token& stop) {
  const SocketLoop::StopGuard guard(loop_, stop);
  Result<void> dialled;
  auto left = static_cast<int64_t>(addresses.size());
  for (const Address& address : addresses) {
    // An address that swallows packets must not take the others' time.
    const Mono share = steady_now() + (deadline - steady_now()) / left--;
    dialled = dial(address, share);
    if (dialled || loop_.stopped()) break;
  }
  CHRYSALIS_TRY(std::move(dialled));
  if (!tls_context_) return {};
  return shake_hands(endpoint.host, deadline);
}

Result<void> SocketConnection::dial(const Address& address, Mono deadline) {
  const tcp::endpoint peer(asio::ip::make_address(address.ip), address.port);
  loop_.close();
  // Not by Asio: its sockets would be inherited by every VMM.
  const int fd = ::socket(peer.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC,
                          IPPROTO_TCP);
  if (fd < 0) return tl::unexpected<Error>(from_errno(errno, "socket"));
  tune(fd);
  error_code error;
  loop_.socket().assign(peer.protocol(), fd, error);
  if (error) {
    ::close(fd);
    return tl::unexpected<Error>(error_of(error, "socket"));
  }
  Completion operation;
  loop_.prepare();
  loop_.socket().async_connect(peer, CompletionHandler{&operation});
  loop_.finish(operation, deadline);
  const std::string doing =
      "connect to " + address.ip + " port " + std::to_string(address.port);
  return verdict(operation, doing.c_str());
}

Result<void> SocketConnection::shake_hands(const std::string& host,
                                           Mono deadline) {
  SSL_CTX_up_ref(tls_context_->native());
  asio::ssl::context context(tls_context_->native());
  tls_.emplace(loop_.socket(), context);
  CHRYSALIS_TRY(tls_context_->expect_peer(tls_->native_handle(), host));
  auto done =
      perform("TLS handshake", deadline, [](auto& stream, auto handler) {
        if constexpr (std::is_same_v<std::decay_t<decltype(stream)>, TlsStream>)
          stream.async_handshake(asio::ssl::stream_base::client, handler);
      });
  const long verified = SSL_get_verify_result(tls_->native_handle());
  if (!done && done.error().code == Code::kInvalid && verified != X509_V_OK)
    return fail(Code::kInvalid, "the certificate of " + host + " is refused: " +
                                    X509_verify_cert_error_string(verified));
  return done;
}

Result<void> SocketConnection::write(const WireRequest& request,
                                     Mono deadline) {
  answered_ = whole_ = false;
  http::request<http::string_body> message;
  message.method(verb_of(request.method));
  message.target(request.target);
  message.version(11);
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  if (!request.body.empty() || request.method == Method::kPost ||
      request.method == Method::kPut || request.method == Method::kPatch)
    message.content_length(request.body.size());
  return perform("write", deadline, [&message](auto& stream, auto handler) {
    http::async_write(stream, message, handler);
  });
}

Result<Response> SocketConnection::exchange(const WireRequest& request,
                                            size_t max_body_bytes,
                                            Mono deadline,
                                            const std::stop_token& stop) {
  Response out;
  {
    const SocketLoop::StopGuard guard(loop_, stop);
    CHRYSALIS_TRY(write(request, deadline));
    http::response_parser<http::string_body> parser;
    parser.header_limit(kMaxHeadBytes);
    parser.body_limit(max_body_bytes);
    auto read = perform("read", deadline, [&](auto& stream, auto handler) {
      http::async_read(stream, buffer_, parser, handler);
    });
    answered_ = parser.got_some();
    CHRYSALIS_TRY(std::move(read));
    whole_ = parser.keep_alive() && buffer_.size() == 0;
    out = head_of(parser.get());
    out.body = std::move(parser.get().body());
  }
  // A stop that came too late has posted a close.
  if (stop.stop_requested()) whole_ = false;
  return out;
}

bool SocketConnection::reusable() {
  if (!whole_ || !loop_.socket().is_open()) return false;
  char byte = 0;
  const auto peeked =
      ::recv(loop_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Result<StreamOutcome> SocketConnection::stream(const WireRequest& request,
                                               StreamSink& sink,
                                               const StreamLimits& limits,
                                               Mono head_deadline,
                                               const std::stop_token& stop) {
  const SocketLoop::StopGuard guard(loop_, stop);
  CHRYSALIS_TRY(write(request, head_deadline));
  PieceParser parser;
  parser.header_limit(kMaxHeadBytes);
  parser.body_limit(std::numeric_limits<uint64_t>::max());
  auto read = perform("read", head_deadline, [&](auto& stream, auto handler) {
    http::async_read_header(stream, buffer_, parser, handler);
  });
  answered_ = parser.got_some();
  CHRYSALIS_TRY(std::move(read));
  StreamOutcome out;
  Response head = head_of(parser.get());
  if (!head.ok()) {
    CHRYSALIS_TRY(read_refusal(parser, head, head_deadline));
    out.refused = std::move(head);
    return out;
  }
  out.end = StreamEnd::kSink;
  if (!sink.opened()) return out;
  CHRYSALIS_ASSIGN(out.end, pass_on(parser, sink, limits));
  return out;
}

Result<StreamEnd> SocketConnection::pass_on(PieceParser& parser,
                                            StreamSink& sink,
                                            const StreamLimits& limits) {
  const auto piece = std::make_unique<char[]>(kPieceBytes);
  std::optional<Mono> wake_at = limits.wake_at;
  while (!parser.is_done()) {
    parser.get().body() = {piece.get(), kPieceBytes, true};
    const Mono silent_until = steady_now() + limits.idle;
    Completion operation;
    begin(operation, [&](auto& stream, auto handler) {
      http::async_read_some(stream, buffer_, parser, handler);
    });
    while (wake_at && *wake_at < silent_until &&
           !loop_.wait(operation, *wake_at))
      wake_at = sink.wake();
    loop_.finish(operation, silent_until);
    if (operation.error == http::error::need_buffer) operation.error = {};
    const size_t bytes = kPieceBytes - parser.get().body().size;
    if (bytes > 0 && !sink.data({piece.get(), bytes})) return StreamEnd::kSink;
    CHRYSALIS_TRY(verdict(operation, "read"));
  }
  return StreamEnd::kEof;
}

Result<void> SocketConnection::read_refusal(PieceParser& parser, Response& into,
                                            Mono deadline) {
  const auto piece = std::make_unique<char[]>(kPieceBytes);
  while (!parser.is_done()) {
    parser.get().body() = {piece.get(), kPieceBytes, true};
    Completion operation;
    begin(operation, [&](auto& stream, auto handler) {
      http::async_read_some(stream, buffer_, parser, handler);
    });
    loop_.finish(operation, deadline);
    if (operation.error == http::error::need_buffer) operation.error = {};
    into.body.append(piece.get(), kPieceBytes - parser.get().body().size);
    if (into.body.size() > kMaxRefusalBytes)
      return fail(Code::kCorrupt, "the body of a refusal is over 1 MiB");
    CHRYSALIS_TRY(verdict(operation, "read"));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Connection>> connect(
    const Endpoint& endpoint, std::shared_ptr<const TlsContext> tls,
    Mono deadline, const std::stop_token& stop) {
  CHRYSALIS_ASSIGN(const std::vector<Address> addresses,
                   resolve(endpoint.host, endpoint.port, deadline, stop));
  auto connection = std::make_unique<SocketConnection>(std::move(tls));
  CHRYSALIS_TRY(connection->open(endpoint, addresses, deadline, stop));
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace chrysalis::kube::beast
