#include "controller/runtime/webhook/server_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>

namespace chrysalis::runtime {
namespace {

namespace ssl = boost::asio::ssl;

// Never asks the terminal for a pass phrase.
int no_password(char*, int, int, void*) { return -1; }

tl::unexpected<Error> refused(const std::string& what, const std::string& why) {
  ERR_clear_error();
  return fail(Code::kInvalid, what + ": " + why);
}

}  // namespace

ServerTls::ServerTls()
    : context_(std::make_unique<ssl::context>(ssl::context::tls_server)) {}
ServerTls::~ServerTls() = default;

Result<std::shared_ptr<ServerTls>> ServerTls::make(
    const std::string& certificate, const std::string& key) {
  std::shared_ptr<ServerTls> made(new ServerTls);
  SSL_CTX* native = made->context_->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION);
  // Without it a connection that is waiting for nothing keeps 34 kB.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(native, no_password);
  boost::system::error_code error;
  made->context_->use_certificate_chain(boost::asio::buffer(certificate),
                                        error);
  if (error) return refused("certificate", error.message());
  made->context_->use_private_key(boost::asio::buffer(key), ssl::context::pem,
                                  error);
  if (error) return refused("key", error.message());
  if (SSL_CTX_check_private_key(native) != 1)
    return refused("key", "does not fit the certificate");
  ERR_clear_error();  // the end of the PEM text is an error to OpenSSL
  return made;
}

}  // namespace chrysalis::runtime
