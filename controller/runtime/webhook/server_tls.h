#pragma once

// What a server shows of itself: certificate chain and key; TLS 1.2 and later.
// Immutable once made: to rotate, make another and give it to new connections
// (TlsSource).
// Thread-safety: immutable; shared.
// Errors: kInvalid - what is wrong with which of the two.

#include <functional>
#include <memory>
#include <string>

#include "src/base/result.h"

namespace boost::asio::ssl {
class context;
}

namespace chrysalis::runtime {

class ServerTls {
 public:
  // Both PEM; the leaf first.
  static Result<std::shared_ptr<ServerTls>> make(const std::string& certificate,
                                                 const std::string& key);
  ~ServerTls();
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;

  [[nodiscard]] boost::asio::ssl::context& context() { return *context_; }

 private:
  ServerTls();
  std::unique_ptr<boost::asio::ssl::context> context_;
};

// Asked at each new connection, from the server's thread.
using TlsSource = std::function<std::shared_ptr<ServerTls>()>;

}  // namespace chrysalis::runtime
