#pragma once

// A blocking client of one TLS connection that can also misbehave: it sends
// what it is told, as slowly as it is told. Every wait is bounded (20 s), what
// does not come in time is an empty text.
// Thread-safety: one thread.

#include <cstdint>
#include <memory>
#include <string>

#include "controller/runtime/webhook/server_tls.h"
#include "src/base/unique_fd.h"
#include "tests/kube/certificates.h"

namespace chrysalis::runtime {

// One set a test program.
const kube_tools::Certificates& certificates();
std::shared_ptr<ServerTls> test_tls();

struct Told {
  int status = 0;    // 0: the connection ended without an answer
  std::string head;  // as it came
  std::string body;
  [[nodiscard]] bool keeps_alive() const;
};

class TestClient {
 public:
  // Connects; the handshake is for the caller to ask for.
  explicit TestClient(uint16_t port);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  // 0: as new as both have; else TLS1_1_VERSION and so on, at most.
  bool handshake(int max_version = 0);
  [[nodiscard]] std::string tls_version() const;
  bool send(const std::string& text);      // through TLS
  bool send_raw(const std::string& text);  // past it
  Told receive();
  Told ask(const std::string& text) { return send(text) ? receive() : Told{}; }
  // True: the peer ended the connection, and nothing came before.
  bool ended();

 private:
  struct Tls;
  UniqueFd fd_;
  std::unique_ptr<Tls> tls_;
  std::string read_;
};

// "POST /review HTTP/1.1 ..." with this body, and what else is to be said.
std::string post(const std::string& body, const std::string& path = "/review",
                 const std::string& more = "");

}  // namespace chrysalis::runtime
