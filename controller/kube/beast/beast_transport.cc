#include "controller/kube/beast/beast_transport.h"

#include <algorithm>
#include <utility>

namespace chrysalis::kube::beast {
namespace {

Mono steady_now() { return std::chrono::steady_clock::now(); }

// What would let a caller's text become a second header or request.
bool fits_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  });
}

}  // namespace

Result<std::unique_ptr<BeastTransport>> BeastTransport::make(
    const Access& access, const Clock& clock, BeastOptions options) {
  CHRYSALIS_ASSIGN(Endpoint endpoint, parse_endpoint(access.server));
  return std::unique_ptr<BeastTransport>(new BeastTransport(
      std::move(endpoint), access, clock, std::move(options)));
}

BeastTransport::BeastTransport(Endpoint endpoint, const Access& access,
                               const Clock& clock, BeastOptions options)
    : endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      credentials_(access, clock, options_.read_file) {}

Result<WireRequest> BeastTransport::on_the_wire(const Request& request) {
  if (!request.target.starts_with('/') || !fits_one_line(request.target))
    return fail(Code::kInvalid, "not a request target: " + request.target);
  CHRYSALIS_ASSIGN(const std::string authorization,
                   credentials_.authorization());
  WireRequest out{.method = request.method,
                  .target = endpoint_.prefix + request.target,
                  .headers = {{"Host", endpoint_.authority()},
                              {"User-Agent", options_.user_agent},
                              {"Accept", request.accept},
                              {"Accept-Encoding", "identity"}},
                  .body = request.body};
  if (!request.content_type.empty())
    out.headers.emplace_back("Content-Type", request.content_type);
  if (!authorization.empty())
    out.headers.emplace_back("Authorization", authorization);
  return out;
}

Result<std::shared_ptr<const TlsContext>> BeastTransport::tls() {
  if (!endpoint_.tls) return std::shared_ptr<const TlsContext>();
  CHRYSALIS_ASSIGN(auto material, credentials_.tls());
  const std::lock_guard lock(mutex_);
  if (tls_ && &tls_->material() == material.get()) return tls_;
  auto made = TlsContext::make(std::move(material));
  if (made) {
    tls_ = *std::move(made);
    kept_.clear();  // they were made with the old ones
  } else if (!tls_) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  return tls_;
}

Result<std::unique_ptr<Connection>> BeastTransport::open(
    const std::shared_ptr<const TlsContext>& tls, Mono deadline,
    const std::stop_token& stop) {
  const Mono limit = steady_now() + options_.connect_timeout;
  return connect(endpoint_, tls, std::min(deadline, limit), stop);
}

std::unique_ptr<Connection> BeastTransport::take(
    const std::shared_ptr<const TlsContext>& tls) {
  const Mono oldest = steady_now() - options_.kept_for;
  const std::lock_guard lock(mutex_);
  while (!kept_.empty()) {
    Kept kept = std::move(kept_.front());
    kept_.pop_front();
    if (kept.tls == tls && kept.since > oldest && kept.connection->reusable())
      return std::move(kept.connection);
  }
  return nullptr;
}

void BeastTransport::keep(Kept kept) {
  if (!kept.connection->reusable()) return;
  const std::lock_guard lock(mutex_);
  if (kept.tls != tls_) return;
  kept_.push_front(std::move(kept));
  if (kept_.size() > options_.kept_connections) kept_.pop_back();
}

Result<Response> BeastTransport::send(const Request& request, Mono deadline,
                                      std::stop_token stop) {
  if (stop.stop_requested()) return fail(Code::kUnavailable, "stopped");
  CHRYSALIS_ASSIGN(const WireRequest wire, on_the_wire(request));
  CHRYSALIS_ASSIGN(auto context, tls());
  const auto exchange = [&](Connection& connection) {
    return connection.exchange(wire, options_.max_body_bytes, deadline, stop);
  };
  std::unique_ptr<Connection> connection = take(context);
  if (connection) {
    auto answer = exchange(*connection);
    const bool dead = !answer && answer.error().code == Code::kUnavailable &&
                      !connection->answered() && !stop.stop_requested();
    if (!dead || request.method != Method::kGet) {
      if (answer) keep({std::move(connection), context, steady_now()});
      return answer;
    }
  }
  CHRYSALIS_ASSIGN(connection, open(context, deadline, stop));
  auto answer = exchange(*connection);
  if (answer) keep({std::move(connection), context, steady_now()});
  return answer;
}

Result<StreamOutcome> BeastTransport::stream(const Request& request,
                                             StreamSink& sink,
                                             const StreamLimits& limits,
                                             std::stop_token stop) {
  if (stop.stop_requested()) return fail(Code::kUnavailable, "stopped");
  const Mono deadline = steady_now() + limits.head;
  CHRYSALIS_ASSIGN(const WireRequest wire, on_the_wire(request));
  CHRYSALIS_ASSIGN(const auto context, tls());
  CHRYSALIS_ASSIGN(const auto connection, open(context, deadline, stop));
  return connection->stream(wire, sink, limits, deadline, stop);
}

}  // namespace chrysalis::kube::beast
