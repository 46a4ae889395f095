#pragma once

// Included by session.cc and https_server.cc only. One connection:
//
//   handshake -> idle -> request -> answer -> idle ...
//                  |        |          '-> drain (the answer closes)
//                  '--------'-> closed (deadline, end, error, stop)
//
// Thread-safety: the server's thread.
// Ownership: shared by its host and the operation in flight; borrows the host
// and what it has.

#include <memory>
#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "controller/runtime/webhook/https_server.h"

namespace chrysalis::runtime {

class Session;

class SessionHost {
 public:
  virtual ~SessionHost() = default;
  [[nodiscard]] virtual const ServerLimits& limits() const = 0;
  [[nodiscard]] virtual const HttpRoutes& routes() const = 0;
  [[nodiscard]] virtual bool stopping() const = 0;
  virtual void waits(Session& session) = 0;   // for a request, from now on
  virtual void closed(Session& session) = 0;  // may end its life
};

class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(boost::asio::ip::tcp::socket socket, std::shared_ptr<ServerTls> tls,
          SessionHost& host);

  void start();
  // Nothing of a request has come: it may be closed.
  [[nodiscard]] bool idle() const { return idle_; }
  void close();

 private:
  using error_code = boost::system::error_code;

  void on_handshake(error_code error);
  void await_request();
  void on_first_bytes(error_code error, size_t bytes);
  void read_request();
  void on_head(error_code error, size_t);
  void on_body(error_code error, size_t);
  void refuse_broken(error_code error);
  void answer(HttpAnswer answer, bool keep_alive);
  void on_answered(error_code error, size_t);
  void drain();
  void on_drained(error_code error, size_t bytes);

  boost::beast::tcp_stream& tcp();

  std::shared_ptr<ServerTls> tls_;  // of the stream, which goes first
  SessionHost& host_;
  boost::beast::ssl_stream<boost::beast::tcp_stream> stream_;
  boost::beast::flat_buffer buffer_;
  using Parser =
      boost::beast::http::request_parser<boost::beast::http::string_body>;
  std::optional<Parser> parser_;
  const HttpRoute* route_ = nullptr;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  size_t drained_ = 0;
  bool idle_ = true;
  bool closed_ = false;
};

}  // namespace chrysalis::runtime
