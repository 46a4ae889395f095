#include "controller/kube/cpprest/cpprest_transport.h"

#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <utility>

#include "controller/kube/cpprest/body_buffer.h"
#include "controller/kube/cpprest/mailbox.h"
#include "controller/kube/header_text.h"

namespace chrysalis::kube::cpprest {
namespace {

using web::http::client::http_client;
using web::http::client::http_client_config;

// Of the library, which has one pool for the process and 40 by default.
constexpr size_t kThreads = 2;
// Its own timer is no deadline (each step winds it up again): only a net.
constexpr std::chrono::hours kLibraryTimeout{1};
// OpenSSL's errors, which the library passes on as if they were errno's, have
// the number of their library in the upper bits.
constexpr int kFirstTlsError = 1 << 23;

Mono steady_now() { return std::chrono::steady_clock::now(); }

Result<void> start_threads() {
  static const bool started = [] {
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }();
  if (started) return {};
  return fail(Code::kUnsupported, "cpprestsdk runs already, unfenced");
}

// What would let a caller's text become a second header or request.
bool fits_one_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f;
  });
}

const char* verb_of(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
  }
  return "GET";
}

Response head_of(const web::http::http_response& response) {
  const auto field = [&](const char* name) {
    const auto found = response.headers().find(name);
    return found == response.headers().end() ? std::string() : found->second;
  };
  return {.status = response.status_code(),
          .content_type = field("Content-Type"),
          .body = {},
          .retry_after = retry_after(field("Retry-After")),
          .warnings = warning_texts(field("Warning"))};
}

// The library says of any failed handshake no more than that; this remembers
// what OpenSSL found.
struct Verdict {
  std::string host;
  std::string why;  // "": nothing was refused
};

// In place of OpenSSL's own verification: the same, with the name in it.
int verify(X509_STORE_CTX* store, void* argument) {
  auto* verdict = static_cast<Verdict*>(argument);
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(store);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // One of the two fits: an address is no name, a name is no address.
  if (X509_VERIFY_PARAM_set1_ip_asc(param, verdict->host.c_str()) != 1)
    X509_VERIFY_PARAM_set1_host(param, verdict->host.c_str(), 0);
  const int ok = X509_verify_cert(store);
  if (ok != 1)
    verdict->why =
        X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
  return ok;
}

// REQUIRES: called while an exception is handled.
Error current_error(const Verdict& verdict) {
  try {
    throw;
  } catch (const web::http::http_exception& e) {
    const int value = e.error_code().value();
    const bool late = e.error_code() == std::errc::timed_out;
    if (!verdict.why.empty())
      return {Code::kInvalid,
              "the server's certificate is refused: " + verdict.why};
    if (value >= kFirstTlsError)
      return {Code::kInvalid, std::string("TLS: ") + e.what()};
    return {late ? Code::kTimeout : Code::kUnavailable, e.what()};
  } catch (const std::exception& e) {
    return {Code::kUnavailable, e.what()};
  } catch (...) {
    return {Code::kUnavailable, "an error without words"};
  }
}

// Everything that the library's threads may touch after the caller has gone.
struct Exchange {
  Mailbox mailbox;
  Verdict verdict;
  pplx::cancellation_token_source cancel;
  std::unique_ptr<http_client> client;
};

// An exception that no task observes ends the process: none may leave here.
void put_end(const std::shared_ptr<Exchange>& exchange,
             const pplx::task<web::http::http_response>& done) {
  try {
    done.get();
    exchange->mailbox.put_end(std::nullopt);
  } catch (...) {
    exchange->mailbox.put_end(current_error(exchange->verdict));
  }
}

void put_head(const std::shared_ptr<Exchange>& exchange,
              const pplx::task<web::http::http_response>& answered) {
  try {
    const web::http::http_response response = answered.get();
    exchange->mailbox.put_head(head_of(response));
    response.content_ready().then(
        [exchange](const pplx::task<web::http::http_response>& done) {
          put_end(exchange, done);
        });
  } catch (...) {
    exchange->mailbox.put_end(current_error(exchange->verdict));
  }
}

// REQUIRES: `verdict` lives as long as the client that is made with it.
http_client_config config_of(
    const std::shared_ptr<const beast::TlsContext>& tls, Verdict& verdict) {
  http_client_config config;
  config.set_max_redirects(0);  // it would take the token along
  config.set_timeout(kLibraryTimeout);
  if (!tls) return config;
  config.set_validate_certificates(!tls->material().skip_verify);
  SSL_CTX_set_cert_verify_callback(tls->native(), verify, &verdict);
  // In place of its own, which trusts the system's authorities as well.
  config.set_ssl_context_callback([tls](boost::asio::ssl::context& context) {
    SSL_CTX_up_ref(tls->native());
    context = boost::asio::ssl::context(tls->native());
  });
  return config;
}

}  // namespace

// One request under way. Leaving it cancels what is not over.
class CppRestTransport::Call {
 public:
  Call(const std::string& base, std::string host,
       const std::shared_ptr<const beast::TlsContext>& tls,
       web::http::http_request request)
      : exchange_(std::make_shared<Exchange>()) {
    exchange_->verdict.host = std::move(host);
    exchange_->client =
        std::make_unique<http_client>(base, config_of(tls, exchange_->verdict));
    const concurrency::streams::streambuf<uint8_t> body(
        std::make_shared<BodyBuffer>(
            [exchange = exchange_](std::string_view bytes,
                                   std::function<void()> room) {
              exchange->mailbox.put_data(bytes, std::move(room));
            }));
    request.set_response_stream(body.create_ostream());
    exchange_->client->request(request, exchange_->cancel.get_token())
        .then([exchange = exchange_](
                  const pplx::task<web::http::http_response>& answered) {
          put_head(exchange, answered);
        });
  }
  ~Call() {
    exchange_->mailbox.abandon();
    exchange_->cancel.cancel();
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // The next letter; what is none of head, data or a clean end is an error.
  Result<Letter> take(Mono until, const std::stop_token& stop) {
    Letter letter = exchange_->mailbox.take(until, stop);
    if (letter.what == Letter::What::kStopped)
      return fail(Code::kUnavailable, "stopped");
    if (letter.error) return tl::unexpected<Error>(*std::move(letter.error));
    return letter;
  }

  // The head; kLate is an error here.
  Result<Response> head(Mono deadline, const std::stop_token& stop) {
    CHRYSALIS_ASSIGN(Letter letter, take(deadline, stop));
    if (letter.what == Letter::What::kHead) return std::move(letter.head);
    return fail(Code::kTimeout, "no answer before the deadline");
  }

  // The head with its whole body.
  Result<Response> rest_of(Response head, size_t max_bytes, Mono deadline,
                           const std::stop_token& stop) {
    while (true) {
      CHRYSALIS_ASSIGN(const Letter letter, take(deadline, stop));
      if (letter.what == Letter::What::kEnd) return head;
      if (letter.what == Letter::What::kLate)
        return fail(Code::kTimeout, "no whole answer before the deadline");
      head.body += letter.data;
      if (head.body.size() > max_bytes)
        return fail(Code::kCorrupt, "the body is too large");
    }
  }

  // The body to the sink, as it comes.
  Result<StreamOutcome> pour(StreamSink& sink, const StreamLimits& limits,
                             const std::stop_token& stop) {
    std::optional<Mono> wake_at = limits.wake_at;
    Mono silent_at = steady_now() + limits.idle;
    while (true) {
      const Mono until = wake_at ? std::min(*wake_at, silent_at) : silent_at;
      CHRYSALIS_ASSIGN(const Letter letter, take(until, stop));
      if (letter.what == Letter::What::kEnd) return StreamOutcome{};
      if (letter.what == Letter::What::kData) {
        silent_at = steady_now() + limits.idle;
        if (!sink.data(letter.data)) return by_sink();
      }
      const Mono now = steady_now();
      if (wake_at && now >= *wake_at) wake_at = sink.wake();
      if (now >= silent_at)
        return fail(Code::kTimeout, "the stream fell silent");
    }
  }
  static StreamOutcome by_sink() {
    return {.end = StreamEnd::kSink, .refused = {}};
  }

 private:
  std::shared_ptr<Exchange> exchange_;
};

Result<std::unique_ptr<CppRestTransport>> CppRestTransport::make(
    const Access& access, const Clock& clock, CppRestOptions options) {
  CHRYSALIS_ASSIGN(beast::Endpoint endpoint,
                   beast::parse_endpoint(access.server));
  if (endpoint.host.find(':') != std::string::npos)
    return fail(Code::kUnsupported,
                access.server +
                    ": cpprestsdk cannot connect to an address of "
                    "IPv6; name the host");
  CHRYSALIS_TRY(start_threads());
  return std::unique_ptr<CppRestTransport>(new CppRestTransport(
      std::move(endpoint), access, clock, std::move(options)));
}

CppRestTransport::CppRestTransport(beast::Endpoint endpoint,
                                   const Access& access, const Clock& clock,
                                   CppRestOptions options)
    : endpoint_(std::move(endpoint)),
      server_name_(access.tls_server_name),
      options_(std::move(options)),
      credentials_(access, clock, options_.read_file) {}

CppRestTransport::~CppRestTransport() = default;

Result<std::unique_ptr<CppRestTransport::Call>> CppRestTransport::start(
    const Request& request) {
  if (!request.target.starts_with('/') || !fits_one_line(request.target))
    return fail(Code::kInvalid, "not a request target: " + request.target);
  CHRYSALIS_ASSIGN(const std::string authorization,
                   credentials_.authorization());
  std::shared_ptr<const beast::TlsContext> tls;
  if (endpoint_.tls) {
    CHRYSALIS_ASSIGN(auto material, credentials_.tls());
    CHRYSALIS_ASSIGN(tls, beast::TlsContext::make(std::move(material)));
  }
  try {
    web::http::http_request wire{web::http::method(verb_of(request.method))};
    wire.set_request_uri(web::uri(endpoint_.prefix + request.target));
    web::http::http_headers& headers = wire.headers();
    // The library checks the certificate against this, and sends it as SNI.
    if (endpoint_.tls && !server_name_.empty())
      headers.add("Host", server_name_);
    headers.add("User-Agent", options_.user_agent);
    headers.add("Accept", request.accept);
    headers.add("Accept-Encoding", "identity");
    if (!authorization.empty()) headers.add("Authorization", authorization);
    if (!request.content_type.empty()) {
      wire.set_body(
          std::vector<uint8_t>(request.body.begin(), request.body.end()));
      headers.set_content_type(request.content_type);
    }
    const std::string base = (endpoint_.tls ? "https://" : "http://") +
                             endpoint_.host + ":" +
                             std::to_string(endpoint_.port);
    return std::make_unique<Call>(
        base, server_name_.empty() ? endpoint_.host : server_name_, tls,
        std::move(wire));
  } catch (const std::exception& e) {
    return fail(Code::kInvalid, std::string("cpprestsdk: ") + e.what());
  }
}

Result<Response> CppRestTransport::send(const Request& request, Mono deadline,
                                        std::stop_token stop) {
  if (stop.stop_requested()) return fail(Code::kUnavailable, "stopped");
  CHRYSALIS_ASSIGN(const auto call, start(request));
  CHRYSALIS_ASSIGN(Response head, call->head(deadline, stop));
  return call->rest_of(std::move(head), options_.max_body_bytes, deadline,
                       stop);
}

Result<StreamOutcome> CppRestTransport::stream(const Request& request,
                                               StreamSink& sink,
                                               const StreamLimits& limits,
                                               std::stop_token stop) {
  if (stop.stop_requested()) return fail(Code::kUnavailable, "stopped");
  CHRYSALIS_ASSIGN(const auto call, start(request));
  const Mono deadline = steady_now() + limits.head;
  CHRYSALIS_ASSIGN(Response head, call->head(deadline, stop));
  if (!head.ok()) {
    StreamOutcome out;
    CHRYSALIS_ASSIGN(out.refused,
                     call->rest_of(std::move(head), options_.max_body_bytes,
                                   deadline, stop));
    return out;
  }
  if (!sink.opened()) return Call::by_sink();
  return call->pour(sink, limits, stop);
}

}  // namespace chrysalis::kube::cpprest
