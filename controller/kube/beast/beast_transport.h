#pragma once

// The Transport of long-lived processes, on Asio, Beast and OpenSSL: HTTP/1.1,
// plain or TLS; a connection for each stream, a few kept for the calls.
// Retries nothing but one GET on a kept connection that turns out to be dead.
// Deadlines are of the steady clock itself, whatever `clock` says: it judges
// the age of credentials only.
// Thread-safety: all calls from any thread, at the same time.
// Ownership: borrows the clock; it outlives this. No call may be under way
// when this goes.
// Errors: transport.h; make(): kInvalid for a URL that is none.

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "controller/kube/access.h"
#include "controller/kube/beast/connection.h"
#include "controller/kube/credentials.h"
#include "controller/kube/transport.h"

namespace chrysalis::kube::beast {

struct BeastOptions {
  std::string user_agent = "chrysalis";  // "name/version (os/arch) part"
  size_t max_body_bytes = size_t{128} << 20;
  size_t kept_connections = 4;
  seconds kept_for{60};                  // an API server closes after 90
  milliseconds connect_timeout{10'000};  // within the call's own deadline
  ReadFile read_file = read_small_file;
};

class BeastTransport final : public Transport {
 public:
  static Result<std::unique_ptr<BeastTransport>> make(
      const Access& access, const Clock& clock, BeastOptions options = {});

  Result<Response> send(const Request& request, Mono deadline,
                        std::stop_token stop) override;
  Result<StreamOutcome> stream(const Request& request, StreamSink& sink,
                               const StreamLimits& limits,
                               std::stop_token stop) override;
  void refresh_credential() override { credentials_.refresh(); }

 private:
  struct Kept {
    std::unique_ptr<Connection> connection;
    std::shared_ptr<const TlsContext> tls;
    Mono since;
  };
  BeastTransport(Endpoint endpoint, const Access& access, const Clock& clock,
                 BeastOptions options);
  Result<WireRequest> on_the_wire(const Request& request);
  Result<std::shared_ptr<const TlsContext>> tls();
  Result<std::unique_ptr<Connection>> open(
      const std::shared_ptr<const TlsContext>& tls, Mono deadline,
      const std::stop_token& stop);
  std::unique_ptr<Connection> take(
      const std::shared_ptr<const TlsContext>& tls);
  void keep(Kept kept);

  const Endpoint endpoint_;
  const BeastOptions options_;
  Credentials credentials_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // the newest first
  std::shared_ptr<const TlsContext> tls_;
};

}  // namespace chrysalis::kube::beast
