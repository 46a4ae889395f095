#pragma once

// The secrets of an Access as they are now: the token file is read again
// every minute, certificates every five; what cannot be read (any more) leaves
// the old value in use, so a half-done rotation breaks nothing.
// Thread-safety: from any thread.
// Errors: as the reader's, only while there is no old value.
// Ownership: borrows the clock; it outlives this.

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "controller/kube/access.h"
#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::kube {

// PEM texts; a new object means that one of them changed.
struct TlsMaterial {
  std::string ca;
  std::string certificate;
  std::string key;
  std::string server_name;
  bool skip_verify = false;
  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

// The bytes of a small file. Follows links: mounted secrets are links.
using ReadFile =
    std::function<Result<std::string>(const std::filesystem::path&)>;
[[nodiscard]] Result<std::string> read_small_file(
    const std::filesystem::path& path);  // at most 1 MiB

class Credentials {
 public:
  static constexpr seconds kTokenPeriod{60};
  static constexpr seconds kCertificatePeriod{300};

  Credentials(Access access, const Clock& clock,
              ReadFile read = read_small_file);

  // The Authorization header's value; "" without one.
  Result<std::string> authorization();
  Result<std::shared_ptr<const TlsMaterial>> tls();
  // The next call of either reads again.
  void refresh();

 private:
  Result<std::string> read_pem(const PemSource& source) const;
  Result<TlsMaterial> read_tls() const;

  const Access access_;
  const Clock& clock_;
  const ReadFile read_;
  std::mutex mutex_;
  std::string token_;
  std::optional<Mono> token_read_at_;
  std::shared_ptr<const TlsMaterial> tls_;
  std::optional<Mono> tls_read_at_;
};

}  // namespace chrysalis::kube
