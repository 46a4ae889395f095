#pragma once

// An SSL_CTX that trusts the given authorities and nothing else.
// Thread-safety: immutable once made; shared by connections.
// Errors: kInvalid with what is wrong with which PEM.

#include <memory>
#include <string>

#include "controller/kube/credentials.h"
#include "src/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace chrysalis::kube::beast {

class TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> make(
      std::shared_ptr<const TlsMaterial> material);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] ssl_ctx_st* native() const { return context_; }
  [[nodiscard]] const TlsMaterial& material() const { return *material_; }

  // Before the handshake: who the peer must be, and SNI unless it is an IP.
  Result<void> expect_peer(ssl_st* ssl, const std::string& host) const;

 private:
  explicit TlsContext(std::shared_ptr<const TlsMaterial> material);
  Result<void> trust();
  Result<void> identify();

  std::shared_ptr<const TlsMaterial> material_;
  ssl_ctx_st* context_ = nullptr;
};

}  // namespace chrysalis::kube::beast
