#include "controller/kube/beast/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "controller/kube/beast/resolve.h"

namespace chrysalis::kube::beast {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          &BIO_free};
}

Certificate next_certificate(BIO* bio) {
  return {PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), &X509_free};
}

// Never asks the terminal for a pass phrase.
int no_password(char*, int, int, void*) { return -1; }

tl::unexpected<Error> refused(const std::string& what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  ERR_clear_error();
  return fail(Code::kInvalid, what + ": " + text);
}

}  // namespace

TlsContext::TlsContext(std::shared_ptr<const TlsMaterial> material)
    : material_(std::move(material)),
      context_(SSL_CTX_new(TLS_client_method())) {}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const TlsContext>> TlsContext::make(
    std::shared_ptr<const TlsMaterial> material) {
  std::shared_ptr<TlsContext> made(new TlsContext(std::move(material)));
  if (made->context_ == nullptr) return refused("TLS");
  SSL_CTX_set_min_proto_version(made->context_, TLS1_2_VERSION);
  // Without it a connection that is waiting for nothing keeps 34 kB.
  SSL_CTX_set_mode(made->context_, SSL_MODE_RELEASE_BUFFERS);
  CHRYSALIS_TRY(made->trust());
  CHRYSALIS_TRY(made->identify());
  ERR_clear_error();
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Result<void> TlsContext::trust() {
  if (material_->skip_verify) {
    SSL_CTX_set_verify(context_, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  X509_STORE* store = SSL_CTX_get_cert_store(context_);
  // An intermediate that is given is trusted without its root, as in Go.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  const Bio bio = memory(material_->ca);
  int count = 0;
  while (const Certificate ca = next_certificate(bio.get())) {
    if (X509_STORE_add_cert(store, ca.get()) != 1)
      return refused("certificate authority");
    ++count;
  }
  if (count == 0)
    return fail(Code::kInvalid,
                "no certificate authority is given (PEM), so no server can be "
                "trusted");
  return {};
}

Result<void> TlsContext::identify() {
  if (material_->certificate.empty()) return {};
  const Bio bio = memory(material_->certificate);
  const Certificate leaf = next_certificate(bio.get());
  if (!leaf || SSL_CTX_use_certificate(context_, leaf.get()) != 1)
    return refused("client certificate");
  while (const Certificate link = next_certificate(bio.get())) {
    if (SSL_CTX_add1_chain_cert(context_, link.get()) != 1)
      return refused("client certificate chain");
  }
  ERR_clear_error();  // the end of the PEM text is an error to OpenSSL
  const Bio key_bio = memory(material_->key);
  const Key key(
      PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_password, nullptr),
      &EVP_PKEY_free);
  if (!key || SSL_CTX_use_PrivateKey(context_, key.get()) != 1)
    return refused("client key");
  if (SSL_CTX_check_private_key(context_) != 1)
    return refused("client key does not fit its certificate");
  return {};
}

Result<void> TlsContext::expect_peer(ssl_st* ssl,
                                     const std::string& host) const {
  const std::string& name =
      material_->server_name.empty() ? host : material_->server_name;
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  if (is_ip_literal(name)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) != 1)
      return refused(name);
    return {};
  }
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size()) != 1 ||
      SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
    return refused(name);
  return {};
}

}  // namespace chrysalis::kube::beast
