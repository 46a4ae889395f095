#pragma once

// One HTTP/1.1 conversation with an API server, as blocking calls. The seam
// between the client and a library: beast/beast_transport.h (long-lived
// processes), cpprest/cpprest_transport.h (the command line). Both are held to
// this by tests/controller/kube/transport/transport_contract_test.cc.
//
// Contract: TLS trusts the given CA only and checks host or IP; no redirect is
// followed (a 3xx is an answer); a request with a body is never sent twice
// once a byte of it left; bodies and heads are bounded; credentials are read
// again by themselves and on refresh_credential().
// Errors: kTimeout the deadline passed (the effect is unknown); kUnavailable
//   refused, reset, DNS, cancelled; kInvalid TLS verification or not HTTP;
//   kCorrupt a body beyond its bound. An HTTP status is never an error here.
// Thread-safety: all calls from any thread, at the same time.

#include <optional>
#include <stop_token>
#include <string_view>

#include "controller/kube/message.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::kube {

// Receives a stream's body on the thread that called stream().
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // The 2xx head is there. False ends the stream.
  virtual bool opened() { return true; }
  // A piece of the body, cut anywhere. False ends the stream.
  virtual bool data(std::string_view piece) = 0;
  // `wake_at` has come. Returns the next time to be woken, or none.
  virtual std::optional<Mono> wake() { return std::nullopt; }
};

struct StreamLimits {
  milliseconds head{30'000};   // connect, TLS and response head together
  milliseconds idle{295'000};  // silence between two pieces
  std::optional<Mono> wake_at{};
};

enum class StreamEnd { kEof, kSink };

struct StreamOutcome {
  StreamEnd end = StreamEnd::kEof;
  std::optional<Response> refused;  // non-2xx: nothing went to the sink
};

class Transport {
 public:
  virtual ~Transport() = default;

  // One request, one whole answer. A stop ends it with kUnavailable.
  virtual Result<Response> send(const Request& request, Mono deadline,
                                std::stop_token stop) = 0;

  // Blocks until the body ends, the sink says no, silence, or a stop.
  virtual Result<StreamOutcome> stream(const Request& request, StreamSink& sink,
                                       const StreamLimits& limits,
                                       std::stop_token stop) = 0;

  // After a 401: the next request reads the token (or certificate) again.
  virtual void refresh_credential() = 0;
};

}  // namespace chrysalis::kube
