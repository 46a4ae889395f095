#include "controller/kube/credentials.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <utility>
#include <vector>

namespace chrysalis::kube {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string base64(const std::string& bytes) {
  std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
  const int n = EVP_EncodeBlock(
      out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
      static_cast<int>(bytes.size()));
  return {out.begin(), out.begin() + n};
}

// A token that would end the header line is somebody's mistake or attack.
bool fits_a_header(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

}  // namespace

Result<std::string> read_small_file(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) return tl::unexpected<Error>(from_errno(errno, path.string()));
  std::string bytes(kMaxBytes + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (in.bad()) return fail(Code::kUnavailable, path.string() + ": read error");
  bytes.resize(static_cast<size_t>(in.gcount()));
  if (bytes.size() > kMaxBytes)
    return fail(Code::kInvalid, path.string() + ": larger than 1 MiB");
  return bytes;
}

Credentials::Credentials(Access access, const Clock& clock, ReadFile read)
    : access_(std::move(access)), clock_(clock), read_(std::move(read)) {}

Result<std::string> Credentials::authorization() {
  if (access_.token_file.empty()) {
    if (!access_.token.empty()) return "Bearer " + access_.token;
    if (access_.username.empty()) return std::string();
    return "Basic " + base64(access_.username + ":" + access_.password);
  }
  const std::lock_guard lock(mutex_);
  const Mono now = clock_.mono();
  if (!token_read_at_ || now - *token_read_at_ >= kTokenPeriod) {
    auto read = read_(access_.token_file);
    const std::string token = read ? trimmed(*read) : "";
    if (!token.empty() && fits_a_header(token)) {
      token_ = token;
      token_read_at_ = now;
    } else if (token_.empty()) {
      if (!read) return tl::unexpected<Error>(std::move(read).error());
      return fail(Code::kInvalid,
                  access_.token_file.string() + ": no token in it");
    }
  }
  return "Bearer " + token_;
}

Result<std::string> Credentials::read_pem(const PemSource& source) const {
  if (!source.data.empty()) return source.data;
  if (source.file.empty()) return std::string();
  return read_(source.file);
}

Result<TlsMaterial> Credentials::read_tls() const {
  TlsMaterial material;
  CHRYSALIS_ASSIGN(material.ca, read_pem(access_.ca));
  CHRYSALIS_ASSIGN(material.certificate, read_pem(access_.client_certificate));
  CHRYSALIS_ASSIGN(material.key, read_pem(access_.client_key));
  material.server_name = access_.tls_server_name;
  material.skip_verify = access_.skip_tls_verify;
  return material;
}

Result<std::shared_ptr<const TlsMaterial>> Credentials::tls() {
  const std::lock_guard lock(mutex_);
  const Mono now = clock_.mono();
  if (tls_ && tls_read_at_ && now - *tls_read_at_ < kCertificatePeriod)
    return tls_;
  auto material = read_tls();
  if (!material) {
    if (tls_) return tls_;
    return tl::unexpected<Error>(std::move(material).error());
  }
  tls_read_at_ = now;
  if (!tls_ || *tls_ != *material)
    tls_ = std::make_shared<const TlsMaterial>(*std::move(material));
  return tls_;
}

void Credentials::refresh() {
  const std::lock_guard lock(mutex_);
  token_read_at_.reset();
  tls_read_at_.reset();
}

}  // namespace chrysalis::kube
