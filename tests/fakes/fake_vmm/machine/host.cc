#include "tests/fakes/fake_vmm/machine/host.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace chrysalis::fake_vmm {
namespace {

constexpr int kVnetHeader = 12;

tl::unexpected<int> last_error() { return tl::unexpected<int>(errno); }

std::string hex_mac(const char* raw) {
  const auto* b = reinterpret_cast<const unsigned char*>(raw);
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1],
                b[2], b[3], b[4], b[5]);
  return text;
}

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(),
              std::min(name.size(), size_t{IFNAMSIZ - 1}));
  return request;
}

tl::unexpected<TapError> tap_error(TapError::Step step, int error) {
  return tl::unexpected<TapError>(TapError{step, error});
}

tl::expected<Tap, TapError> claim(const std::string& name) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string key = "fake-vmm-tap/" + name;
  std::memcpy(address.sun_path + 1, key.data(), key.size());
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + key.size());
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) {
    return tap_error(TapError::Step::kConfigure,
                     errno == EADDRINUSE ? EBUSY : errno);
  }
  std::fprintf(stderr, "simulated: TAP %s claimed by name only\n",
               name.c_str());
  return Tap{std::move(fd), name, "02:00:00:00:00:01", 1500, true};
}

// Reads MAC and MTU, sets what was asked and is not so already.
tl::expected<void, TapError> configure(Tap& tap, const TapRequest& wish) {
  const UniqueFd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(tap.name);
  if (::ioctl(control.get(), SIOCGIFHWADDR, &request) == 0) {
    tap.mac = hex_mac(request.ifr_hwaddr.sa_data);
  }
  if (wish.mtu != 0) {
    request = request_for(tap.name);
    request.ifr_mtu = wish.mtu;
    if (::ioctl(control.get(), SIOCSIFMTU, &request) != 0) {
      return tap_error(TapError::Step::kMtu, errno);
    }
  }
  request = request_for(tap.name);
  if (::ioctl(control.get(), SIOCGIFMTU, &request) == 0) {
    tap.mtu = static_cast<uint16_t>(request.ifr_mtu);
  }
  request = request_for(tap.name);
  if (wish.enable && ::ioctl(control.get(), SIOCGIFFLAGS, &request) == 0 &&
      (request.ifr_flags & IFF_UP) == 0) {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) {
      return tap_error(TapError::Step::kEnable, errno);
    }
  }
  int header = kVnetHeader;
  if (::ioctl(tap.fd.get(), TUNSETVNETHDRSZ, &header) != 0) {
    return tap_error(TapError::Step::kHeader, errno);
  }
  return {};
}

const char* kind_of(int error) {
  switch (error) {
    case ENOENT:
      return "NotFound";
    case EACCES:
    case EPERM:
      return "PermissionDenied";
    case EEXIST:
      return "AlreadyExists";
    case EADDRINUSE:
      return "AddrInUse";
    case EINVAL:
      return "InvalidInput";
    case EBUSY:
      return "ResourceBusy";
    case ENOSPC:
      return "StorageFull";
    default:
      return "Uncategorized";
  }
}

}  // namespace

std::string os_error(int errno_value) {
  return std::string(std::strerror(errno_value)) + " (os error " +
         std::to_string(errno_value) + ")";
}

std::string os_error_debug(int errno_value) {
  return "Os { code: " + std::to_string(errno_value) +
         ", kind: " + kind_of(errno_value) + ", message: \"" +
         std::strerror(errno_value) + "\" }";
}

Os<std::string> read_text(const std::string& path, size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return last_error();
  std::string text;
  char buffer[16384];
  while (text.size() < limit) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0) return last_error();
    if (got == 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

Os<Disk> open_disk(const std::string& path, bool readonly) {
  Disk disk{UniqueFd(::open(path.c_str(),
                            (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC)),
            0, readonly};
  if (!disk.fd.valid()) return last_error();
  struct stat info{};
  if (::fstat(disk.fd.get(), &info) != 0) return last_error();
  disk.bytes = static_cast<uint64_t>(info.st_size);
  return disk;
}

Os<> lock_disk(const Disk& disk) {
  struct flock lock{};
  lock.l_type = static_cast<short>(disk.readonly ? F_RDLCK : F_WRLCK);
  lock.l_whence = SEEK_SET;
  if (::fcntl(disk.fd.get(), F_OFD_SETLK, &lock) != 0) return last_error();
  return {};
}

tl::expected<Tap, TapError> open_tap(const TapRequest& wish) {
  if (wish.name.empty() || wish.name.size() >= IFNAMSIZ) {
    return tap_error(TapError::Step::kName, EINVAL);
  }
  Tap tap{UniqueFd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)),
          wish.name, "", 1500, false};
  if (!tap.fd.valid()) {
    if (wish.may_claim) return claim(wish.name);
    return tap_error(TapError::Step::kOpenTun, errno);
  }
  ifreq request = request_for(wish.name);
  request.ifr_flags =
      static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
                         (wish.multi_queue ? IFF_MULTI_QUEUE : 0));
  if (::ioctl(tap.fd.get(), TUNSETIFF, &request) != 0) {
    if (wish.may_claim && errno == EPERM) return claim(wish.name);
    return tap_error(TapError::Step::kConfigure, errno);
  }
  if (auto done = configure(tap, wish); !done) {
    return tl::unexpected<TapError>(done.error());
  }
  return tap;
}

Os<UniqueFd> listen_unix(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) {
    return tl::unexpected<int>(ENAMETOOLONG);
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() ||
      ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) !=
          0 ||
      ::listen(fd.get(), 16) != 0) {
    return last_error();
  }
  return fd;
}

}  // namespace chrysalis::fake_vmm
