#pragma once

// One connection to the API server and one exchange at a time on it, as
// blocking calls: each connection has an io_context that runs only inside
// them, so there is no thread and no lock.
// Deadlines are of the steady clock itself. A stop is a close that is posted
// to the io_context.
// Thread-safety: one thread at a time; a stop may come from any.
// Errors: transport.h.

#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/beast/endpoint.h"
#include "controller/kube/beast/tls_context.h"
#include "controller/kube/transport.h"

namespace chrysalis::kube::beast {

struct WireRequest {
  Method method = Method::kGet;
  std::string target{};  // with the endpoint's prefix
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
};

class Connection {
 public:
  virtual ~Connection() = default;
  virtual Result<Response> exchange(const WireRequest& request,
                                    size_t max_body_bytes, Mono deadline,
                                    const std::stop_token& stop) = 0;
  // The connection is of no use afterwards.
  virtual Result<StreamOutcome> stream(const WireRequest& request,
                                       StreamSink& sink,
                                       const StreamLimits& limits,
                                       Mono head_deadline,
                                       const std::stop_token& stop) = 0;
  // The last answer was whole, the peer keeps it open, and nothing unasked
  // for (the end above all) has come since.
  [[nodiscard]] virtual bool reusable() = 0;
  // A byte of an answer to the last request came.
  [[nodiscard]] virtual bool answered() const = 0;
};

// `tls` is null for http://.
Result<std::unique_ptr<Connection>> connect(
    const Endpoint& endpoint, std::shared_ptr<const TlsContext> tls,
    Mono deadline, const std::stop_token& stop);

}  // namespace chrysalis::kube::beast
