#include "controller/runtime/webhook/https_server.h"

#include <algorithm>
#include <list>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/bind_handler.hpp>

#include "controller/runtime/webhook/session.h"
#include "src/base/log.h"

namespace chrysalis::runtime {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

constexpr milliseconds kAcceptAgain{100};  // when descriptors are short

Result<tcp::endpoint> endpoint_of(const ListenAddress& address) {
  if (address.host.empty())
    return tcp::endpoint{asio::ip::address_v6::any(), address.port};
  error_code error;
  const auto ip = asio::ip::make_address(address.host, error);
  if (error)
    return fail(Code::kInvalid,
                address.host + ": is no IP address of this host");
  return tcp::endpoint{ip, address.port};
}

}  // namespace

class HttpsServer::Impl final : public SessionHost {
 public:
  Impl(TlsSource tls, HttpRoutes routes, const ServerLimits& limits)
      : tls_(std::move(tls)), routes_(std::move(routes)), limits_(limits) {}

  Result<> listen(const ListenAddress& address) {
    CHRYSALIS_ASSIGN(const tcp::endpoint endpoint, endpoint_of(address));
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && address.host.empty())
      acceptor_.set_option(asio::ip::v6_only(false), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) port_ = acceptor_.local_endpoint(error).port();
    if (error) return fail(Code::kUnavailable, "listen: " + error.message());
    accept();
    thread_ = std::thread([this] { context_.run(); });
    return {};
  }

  void stop() {
    if (!thread_.joinable()) return;
    asio::post(context_, beast::bind_front_handler(&Impl::begin_stop, this));
    thread_.join();
  }

  [[nodiscard]] uint16_t port() const { return port_; }

  // ---- SessionHost
  [[nodiscard]] const ServerLimits& limits() const override { return limits_; }
  [[nodiscard]] const HttpRoutes& routes() const override { return routes_; }
  [[nodiscard]] bool stopping() const override { return stopping_; }
  void waits(Session& session) override {
    sessions_.splice(sessions_.end(), sessions_, place_of(session));
  }
  void closed(Session& session) override {
    sessions_.erase(place_of(session));
    if (stopping_ && sessions_.empty()) timer_.cancel();
  }

 private:
  // In the order in which they began to wait.
  using Sessions = std::list<std::shared_ptr<Session>>;

  Sessions::iterator place_of(const Session& session) {
    return std::ranges::find_if(
        sessions_, [&](const auto& one) { return one.get() == &session; });
  }

  void accept() {
    acceptor_.async_accept(beast::bind_front_handler(&Impl::on_accepted, this));
  }

  void on_accepted(error_code error, tcp::socket socket) {
    if (stopping_) return;
    if (error) {
      log::warning("webhook: accept", {{"error", error.message()}});
      timer_.expires_after(kAcceptAgain);
      timer_.async_wait(
          beast::bind_front_handler(&Impl::on_accept_again, this));
      return;
    }
    if (make_room()) {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      auto session =
          std::make_shared<Session>(std::move(socket), tls_(), *this);
      sessions_.push_back(session);
      session->start();
    }
    accept();
  }

  void on_accept_again(error_code) {
    if (!stopping_) accept();
  }

  // False: all are at work, so the new one goes.
  bool make_room() {
    if (sessions_.size() < limits_.connections) return true;
    const auto idle = std::ranges::find_if(
        sessions_, [](const auto& one) { return one->idle(); });
    if (idle == sessions_.end()) return false;
    const std::shared_ptr<Session> oldest = *idle;
    oldest->close();
    return true;
  }

  void begin_stop() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
    close_all(/*busy=*/false);
    if (sessions_.empty()) return;
    timer_.expires_after(limits_.stop);
    timer_.async_wait(beast::bind_front_handler(&Impl::on_stop_over, this));
  }

  void on_stop_over(error_code error) {
    if (!error) close_all(/*busy=*/true);
  }

  void close_all(bool busy) {
    const Sessions all = sessions_;
    for (const auto& one : all)
      if (busy || one->idle()) one->close();
  }

  const TlsSource tls_;
  const HttpRoutes routes_;
  const ServerLimits limits_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer timer_{context_};  // of accepting, then of the stop
  Sessions sessions_;
  bool stopping_ = false;
  uint16_t port_ = 0;
  std::thread thread_;
};

HttpsServer::HttpsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpsServer::~HttpsServer() { stop(); }
uint16_t HttpsServer::port() const { return impl_->port(); }
void HttpsServer::stop() { impl_->stop(); }

Result<std::unique_ptr<HttpsServer>> HttpsServer::start(
    const ListenAddress& address, TlsSource tls, HttpRoutes routes,
    const ServerLimits& limits) {
  auto impl = std::make_unique<Impl>(std::move(tls), std::move(routes), limits);
  CHRYSALIS_TRY(impl->listen(address));
  return std::unique_ptr<HttpsServer>(new HttpsServer(std::move(impl)));
}

}  // namespace chrysalis::runtime
