#pragma once

// A scripted HTTP/1.1 server on a free loopback port, for what a real API
// server will not do on demand: torn chunks, half-open sockets, kept
// connections that die, refusals at the wrong moment. Plain or TLS. It knows
// nothing of objects: the script says each byte.
// Thread-safety: requests() and wait_for() from any thread; the script runs on
// a thread for each connection.
// Ownership: the destructor breaks every connection and joins.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "src/base/clock.h"

namespace chrysalis::fakes {

struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // counted from 0
};

// What the script says to one request.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void raw(std::string_view bytes) = 0;
  virtual void drop() = 0;  // closes, whatever was promised
  // Blocks until the client closes or the fake ends.
  virtual void wait_for_client_to_close() = 0;

  void answer(int status, std::string_view body,
              std::string_view more_headers = "");
  void open_stream(int status = 200);  // chunked
  void chunk(std::string_view text);
  void end_stream();
};

struct FakeTls {  // PEM
  std::string certificate;
  std::string key;
  std::string client_ca;  // "": no client certificate is asked for
};

class FakeKube {
 public:
  using Script = std::function<void(const SeenRequest&, Reply&)>;

  explicit FakeKube(Script script, std::optional<FakeTls> tls = {});
  ~FakeKube();
  FakeKube(const FakeKube&) = delete;
  FakeKube& operator=(const FakeKube&) = delete;

  [[nodiscard]] std::string url(std::string_view host = "127.0.0.1") const;
  [[nodiscard]] std::vector<SeenRequest> requests() const;
  // False when there were fewer after 10 s.
  bool wait_for(size_t requests);
  // From now on connections are refused; open ones break.
  void stop();

 private:
  struct Peer;
  void accept_all();
  void serve(Peer& peer, int number);

  Script script_;
  void* tls_ = nullptr;  // SSL_CTX
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::vector<SeenRequest> requests_;
  std::list<std::unique_ptr<Peer>> peers_;
  std::thread acceptor_;
};

}  // namespace chrysalis::fakes
