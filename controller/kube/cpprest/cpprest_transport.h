#pragma once

// The Transport of short-lived processes, on cpprestsdk; README.md says why it
// is fenced in. A connection for each call; nothing is ever sent twice.
// Thread-safety: all calls from any thread, at the same time.
// Ownership: borrows the clock; it outlives this. No call may be under way
// when this goes.
// Errors: transport.h; make(): kInvalid for a URL that is none, kUnsupported
//   for an IPv6 address or when the library's threads were started by others.

#include <memory>
#include <string>

#include "controller/kube/access.h"
#include "controller/kube/beast/endpoint.h"
#include "controller/kube/beast/tls_context.h"
#include "controller/kube/credentials.h"
#include "controller/kube/transport.h"

namespace chrysalis::kube::cpprest {

struct CppRestOptions {
  std::string user_agent = "chrysalis";
  size_t max_body_bytes = size_t{16} << 20;
  ReadFile read_file = read_small_file;
};

class CppRestTransport final : public Transport {
 public:
  static Result<std::unique_ptr<CppRestTransport>> make(
      const Access& access, const Clock& clock, CppRestOptions options = {});
  ~CppRestTransport() override;

  Result<Response> send(const Request& request, Mono deadline,
                        std::stop_token stop) override;
  Result<StreamOutcome> stream(const Request& request, StreamSink& sink,
                               const StreamLimits& limits,
                               std::stop_token stop) override;
  void refresh_credential() override { credentials_.refresh(); }

 private:
  class Call;
  CppRestTransport(beast::Endpoint endpoint, const Access& access,
                   const Clock& clock, CppRestOptions options);
  Result<std::unique_ptr<Call>> start(const Request& request);

  const beast::Endpoint endpoint_;
  const std::string server_name_;
  const CppRestOptions options_;
  Credentials credentials_;
};

}  // namespace chrysalis::kube::cpprest
