#pragma once

// A small HTTPS/1.1 server: POST to a few routes, keep-alive, one thread.
//
// Bounded: connections (at the limit the one that has waited longest for a
// request goes, else the new one), heads, bodies, and time for handshake,
// request, answer and idleness. One that is at its limit costs only itself.
// Thread-safety: start and stop from any thread; routes are called from the
// server's own, one at a time.
// Errors of start: kInvalid - the host is no address; kUnavailable - the
// system refused the port.
// Ownership: owns its thread; the destructor stops.

#include <cstdint>
#include <memory>

#include "controller/runtime/webhook/http_route.h"
#include "controller/runtime/webhook/listen_address.h"
#include "controller/runtime/webhook/server_tls.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::runtime {

struct ServerLimits {
  size_t connections = 64;
  size_t head_bytes = 16 * 1024;
  milliseconds handshake{5'000};
  milliseconds request{10'000};  // from its first byte to its last
  milliseconds answer{10'000};
  milliseconds idle{90'000};  // as a client in Go
  milliseconds stop{5'000};   // for requests in flight
};

class HttpsServer {
 public:
  static Result<std::unique_ptr<HttpsServer>> start(
      const ListenAddress& address, TlsSource tls, HttpRoutes routes,
      const ServerLimits& limits = {});
  ~HttpsServer();
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;

  [[nodiscard]] uint16_t port() const;
  // No new connections; requests in flight are answered, idle ones closed.
  // Returns when all is done, or at limits.stop.
  void stop();

 private:
  class Impl;
  explicit HttpsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chrysalis::runtime
