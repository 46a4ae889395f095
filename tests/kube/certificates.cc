#include "tests/kube/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>
#include <vector>

namespace chrysalis::kube_tools {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;
using Memory = std::unique_ptr<BIO, Freed<BIO_free_all>>;

struct Subject {
  const char* name;
  const char* organization;  // the user's group, for a client certificate
};

struct Field {
  int nid;
  const char* value;
};

std::string text(BIO* bio) {
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

template <class Write>
std::string pem(Write write) {
  const Memory bio(BIO_new(BIO_s_mem()));
  return write(bio.get()) == 1 ? text(bio.get()) : "";
}

std::string certificate_pem(X509* certificate) {
  return pem([&](BIO* b) { return PEM_write_bio_X509(b, certificate); });
}

// SEC1 ("EC PRIVATE KEY"), the form that every client can read.
std::string key_pem(EVP_PKEY* key) {
  return pem([&](BIO* b) {
    return PEM_write_bio_PrivateKey_traditional(b, key, nullptr, nullptr, 0,
                                                nullptr, nullptr);
  });
}

void add_name(X509_NAME* name, const char* field, const char* value) {
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(value), -1,
                             -1, 0);
}

// Signed by the CA, or by itself where `issuer` is null.
Certificate make_certificate(EVP_PKEY* key, const Subject& subject,
                             const std::vector<Field>& extensions, X509* issuer,
                             EVP_PKEY* issuer_key) {
  Certificate made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial >> 1U);
  // An hour back, for a clock that was just set.
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 24L * 3600);
  X509_NAME* name = X509_get_subject_name(made.get());
  if (subject.organization != nullptr)
    add_name(name, "O", subject.organization);
  add_name(name, "CN", subject.name);
  X509_set_issuer_name(
      made.get(),
      X509_get_subject_name(issuer != nullptr ? issuer : made.get()));
  X509_set_pubkey(made.get(), key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer != nullptr ? issuer : made.get(), made.get(),
                 nullptr, nullptr, 0);
  for (const auto& field : extensions) {
    const Extension extension(
        X509V3_EXT_conf_nid(nullptr, &context, field.nid, field.value));
    if (!extension) return nullptr;
    X509_add_ext(made.get(), extension.get(), -1);
  }
  if (X509_sign(made.get(), issuer_key, EVP_sha256()) == 0) return nullptr;
  return made;
}

}  // namespace

Result<Certificates> make_certificates() {
  const Key ca_key(EVP_EC_gen("P-256"));
  const Key server_key(EVP_EC_gen("P-256"));
  const Key client_key(EVP_EC_gen("P-256"));
  const Key account_key(EVP_EC_gen("P-256"));
  if (!ca_key || !server_key || !client_key || !account_key)
    return fail(Code::kUnavailable, "OpenSSL made no key");
  const auto ca = make_certificate(
      ca_key.get(), {"chrysalis-test-ca", nullptr},
      {{NID_basic_constraints, "critical,CA:TRUE"},
       {NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature"},
       {NID_subject_key_identifier, "hash"}},
      nullptr, ca_key.get());
  if (!ca) return fail(Code::kUnavailable, "OpenSSL made no CA");
  const auto server = make_certificate(
      server_key.get(), {"kube-apiserver", nullptr},
      {{NID_key_usage, "critical,digitalSignature"},
       {NID_ext_key_usage, "serverAuth"},
       {NID_subject_alt_name,
        "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
        "DNS:kubernetes.default.svc,IP:127.0.0.1,IP:::1,IP:10.0.0.1"}},
      ca.get(), ca_key.get());
  const auto client =
      make_certificate(client_key.get(), {"admin", "system:masters"},
                       {{NID_key_usage, "critical,digitalSignature"},
                        {NID_ext_key_usage, "clientAuth"}},
                       ca.get(), ca_key.get());
  if (!server || !client)
    return fail(Code::kUnavailable, "OpenSSL signed no certificate");
  return Certificates{
      .ca = certificate_pem(ca.get()),
      .server = certificate_pem(server.get()),
      .server_key = key_pem(server_key.get()),
      .client = certificate_pem(client.get()),
      .client_key = key_pem(client_key.get()),
      .service_account_key = key_pem(account_key.get()),
      .service_account_public = pem(
          [&](BIO* b) { return PEM_write_bio_PUBKEY(b, account_key.get()); }),
  };
}

std::string random_hex(int bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::vector<unsigned char> raw(static_cast<size_t>(bytes));
  RAND_bytes(raw.data(), bytes);
  std::string out;
  for (const unsigned byte : raw) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::string base64(const std::string& bytes) {
  std::vector<unsigned char> out((bytes.size() + 2) / 3 * 4 + 1);
  const int size = EVP_EncodeBlock(
      out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
      static_cast<int>(bytes.size()));
  return {reinterpret_cast<const char*>(out.data()), static_cast<size_t>(size)};
}

}  // namespace chrysalis::kube_tools
