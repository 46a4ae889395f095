#pragma once

// What the simulated VMM takes from its host for real: disk files with their
// locks, TAP devices, socket names. Errors are errno values; os_error() words
// them as the real programs do.
// Thread-safety: none.

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

#include "src/base/unique_fd.h"

namespace chrysalis::fake_vmm {

template <class T = void>
using Os = tl::expected<T, int>;

// "No such file or directory (os error 2)".
std::string os_error(int errno_value);
// The name Rust's io::ErrorKind prints: Os { code: 2, kind: NotFound, ... }.
std::string os_error_debug(int errno_value);

Os<std::string> read_text(const std::string& path, size_t limit);

struct Disk {
  UniqueFd fd;
  uint64_t bytes = 0;
  bool readonly = false;
};
Os<Disk> open_disk(const std::string& path, bool readonly);
// An open-file-description lock over the whole image, as Cloud Hypervisor
// takes it: shared when read-only. EAGAIN when another holds it.
Os<> lock_disk(const Disk& disk);

// The step a TAP failed in, worded by each dialect in its own way.
struct TapError {
  enum class Step { kOpenTun, kName, kConfigure, kMtu, kEnable, kHeader };
  Step step;
  int error;
};
struct Tap {
  UniqueFd fd;
  std::string name;
  std::string mac;  // of the host's end
  uint16_t mtu = 1500;
  bool claimed = false;  // by name only: no /dev/net/tun here
};
struct TapRequest {
  std::string name;
  bool multi_queue = false;
  uint16_t mtu = 0;     // 0: leave it
  bool enable = false;  // Cloud Hypervisor sets it up when it is down
  bool may_claim = false;
};
// Takes the TAP with TUNSETIFF, so that a busy or foreign one fails as it does
// for the real programs. With may_claim a host that gives no TAPs is stood in
// for by one abstract socket a name: exclusive in the network namespace too.
tl::expected<Tap, TapError> open_tap(const TapRequest& request);

// A listening unix socket at a path; fails when the path exists.
Os<UniqueFd> listen_unix(const std::string& path);

}  // namespace chrysalis::fake_vmm
