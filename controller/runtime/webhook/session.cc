#include "controller/runtime/webhook/session.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <string_view>
#include <utility>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "src/base/log.h"

namespace chrysalis::runtime {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr size_t kPiece = 4096;
// What may come after an answer that closes: enough for a client that sends
// its whole request before it reads.
constexpr size_t kMostDrained = size_t{16} << 20;
constexpr milliseconds kDrain{2'000};

std::string_view view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

HttpAnswer say(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text) + "\n"};
}

// "application/json; charset=utf-8" is application/json.
bool is_type(std::string_view value, std::string_view wanted) {
  const auto end = value.find_first_of("; ");
  value = value.substr(0, end);
  return std::ranges::equal(value, wanted, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
  });
}

}  // namespace

Session::Session(boost::asio::ip::tcp::socket socket,
                 std::shared_ptr<ServerTls> tls, SessionHost& host)
    : tls_(std::move(tls)),
      host_(host),
      stream_(std::move(socket), tls_->context()) {}

beast::tcp_stream& Session::tcp() { return beast::get_lowest_layer(stream_); }

void Session::start() {
  host_.waits(*this);
  tcp().expires_after(host_.limits().handshake);
  stream_.async_handshake(
      boost::asio::ssl::stream_base::server,
      beast::bind_front_handler(&Session::on_handshake, shared_from_this()));
}

void Session::close() {
  if (std::exchange(closed_, true)) return;
  tcp().close();
  host_.closed(*this);
}

void Session::on_handshake(error_code error) {
  if (error) {
    log::debug("webhook: handshake", {{"error", error.message()}});
    return close();
  }
  await_request();
}

void Session::await_request() {
  if (closed_) return;
  if (host_.stopping()) return close();
  if (buffer_.size() != 0) return read_request();  // it came with the last
  idle_ = true;
  host_.waits(*this);
  tcp().expires_after(host_.limits().idle);
  stream_.async_read_some(
      buffer_.prepare(kPiece),
      beast::bind_front_handler(&Session::on_first_bytes, shared_from_this()));
}

void Session::on_first_bytes(error_code error, size_t bytes) {
  if (error) return close();
  buffer_.commit(bytes);
  read_request();
}

void Session::read_request() {
  idle_ = false;
  tcp().expires_after(host_.limits().request);
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(host_.limits().head_bytes));
  // By the route, once it is known. (boost::none refuses all in 1.74.)
  parser_->body_limit(std::numeric_limits<uint64_t>::max());
  http::async_read_header(
      stream_, buffer_, *parser_,
      beast::bind_front_handler(&Session::on_head, shared_from_this()));
}

void Session::on_head(error_code error, size_t) {
  if (error) return refuse_broken(error);
  const auto& head = parser_->get();
  // Where no body follows, the next request is where it should be.
  const bool keep = parser_->is_done() && head.keep_alive();
  const std::string_view target = view(head.target());
  const auto route = std::ranges::find(
      host_.routes(), target.substr(0, target.find('?')), &HttpRoute::path);
  if (route == host_.routes().end()) return answer(say(404, "not found"), keep);
  if (head.method() != http::verb::post)
    return answer(say(405, "only POST is answered here"), keep);
  if (!is_type(view(head[http::field::content_type]), route->content_type))
    return answer(say(415, "expected Content-Type " + route->content_type),
                  keep);
  route_ = &*route;
  parser_->body_limit(route->max_body);
  const auto length = parser_->content_length();
  if (length && *length > route->max_body)
    return refuse_broken(http::error::body_limit);
  http::async_read(
      stream_, buffer_, *parser_,
      beast::bind_front_handler(&Session::on_body, shared_from_this()));
}

void Session::on_body(error_code error, size_t) {
  if (error) return refuse_broken(error);
  HttpAnswer out;
  try {
    out = route_->answer(parser_->get().body());
  } catch (const std::exception& e) {
    log::error("webhook: a request threw", {{"what", e.what()}});
    out = say(500, "internal error");
  }
  answer(std::move(out), parser_->get().keep_alive());
}

// What is left of the connection after it is unknown: it ends.
void Session::refuse_broken(error_code error) {
  if (error == http::error::body_limit)
    return answer(say(413, "the body is too large"), false);
  if (error == http::error::header_limit ||
      error == http::error::buffer_overflow)
    return answer(say(431, "the header is too large"), false);
  const bool is_http =
      error.category() == make_error_code(http::error::bad_method).category();
  if (!is_http || error == http::error::end_of_stream ||
      error == http::error::partial_message)
    return close();
  answer(say(400, "no HTTP/1.1 request: " + error.message()), false);
}

void Session::answer(HttpAnswer answer, bool keep_alive) {
  response_ = {};
  response_.version(11);
  response_.result(static_cast<unsigned>(answer.status));
  response_.set(http::field::content_type, answer.content_type);
  if (answer.status == 405) response_.set(http::field::allow, "POST");
  response_.keep_alive(keep_alive && !host_.stopping());
  response_.body() = std::move(answer.body);
  response_.prepare_payload();
  parser_.reset();
  tcp().expires_after(host_.limits().answer);
  http::async_write(
      stream_, response_,
      beast::bind_front_handler(&Session::on_answered, shared_from_this()));
}

void Session::on_answered(error_code error, size_t) {
  if (error) return close();
  if (response_.keep_alive()) return await_request();
  // Closed at once, what the client still sends would be answered by a reset,
  // and that may overtake the answer.
  error_code ignored;
  tcp().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  buffer_.clear();
  tcp().expires_after(std::min(kDrain, host_.limits().answer));
  drain();
}

void Session::drain() {
  tcp().async_read_some(
      buffer_.prepare(kPiece * 4),
      beast::bind_front_handler(&Session::on_drained, shared_from_this()));
}

void Session::on_drained(error_code error, size_t bytes) {
  drained_ += bytes;
  if (error || drained_ > kMostDrained) return close();
  drain();
}

}  // namespace chrysalis::runtime
