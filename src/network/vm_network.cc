#include "src/network/vm_network.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "src/base/unique_fd.h"
#include "src/network/netlink.h"

namespace chrysalis::network {
namespace {

constexpr size_t kMaxUid = 64;

Result<void> system_failure(const std::string& what) {
  Error error = from_errno(errno, what);
  if (errno == EPERM || errno == EACCES) error.code = Code::kUnsupported;
  if (errno == ENODEV) error.code = Code::kNotFound;
  return tl::unexpected(std::move(error));
}

Result<void> check_uid(std::string_view uid) {
  const bool good =
      !uid.empty() && uid.size() <= kMaxUid &&
      std::all_of(uid.begin(), uid.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  if (!good) return fail(Code::kInvalid, "not the uid of a VM");
  return {};
}

// A file name that is bound to a namespace, not the bare file below it.
bool is_namespace(int fd) {
  struct statfs status{};
  return ::fstatfs(fd, &status) == 0 && status.f_type == NSFS_MAGIC;
}

Result<UniqueFd> open_netns(const std::filesystem::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, path.string()));
  if (!is_namespace(fd.get()))
    return fail(Code::kNotFound, path.string() + " is not a namespace");
  return fd;
}

// On a thread of its own, which ends with it: no shared thread ever changes
// its namespace. REQUIRES: work does not throw.
Result<void> on_thread(const std::function<Result<void>()>& work) {
  Result<void> out;
  try {
    std::thread thread([&] { out = work(); });
    thread.join();
  } catch (const std::system_error& error) {  // no more threads, for now
    return fail(Code::kUnavailable,
                std::string("no thread to work on: ") + error.what());
  }
  return out;
}

Result<void> inside(int netns, const std::function<Result<void>()>& work) {
  return on_thread([&]() -> Result<void> {
    if (::setns(netns, CLONE_NEWNET) != 0) return system_failure("setns");
    return work();
  });
}

std::string outer_name(size_t i) { return "out" + std::to_string(i); }
std::string uplink_name(size_t i) { return "eth" + std::to_string(i); }

int index_of(const std::string& name) {
  return static_cast<int>(::if_nametoindex(name.c_str()));
}

Result<int> require_index(const std::string& name) {
  const int index = index_of(name);
  if (index == 0) return fail(Code::kNotFound, "no device " + name);
  return index;
}

ifreq request_for(const std::string& name) {
  ifreq out{};
  name.copy(out.ifr_name, IFNAMSIZ - 1);
  return out;
}

Result<void> bring_up(const std::string& name) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(name);
  if (::ioctl(fd.get(), SIOCGIFFLAGS, &request) != 0)
    return system_failure("flags of " + name);
  request.ifr_flags = static_cast<int16_t>(request.ifr_flags | IFF_UP);
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0)
    return system_failure("bring up " + name);
  return {};
}

Result<void> set_mtu(const std::string& name, uint16_t mtu) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(name);
  request.ifr_mtu = mtu;
  if (::ioctl(fd.get(), SIOCSIFMTU, &request) != 0)
    return system_failure("mtu of " + name);
  return {};
}

Result<void> ensure_tap(const TapSpec& tap) {
  if (tap.name.empty() || tap.name.size() >= IFNAMSIZ)
    return fail(Code::kInvalid, "name of a TAP: " + tap.name);
  const UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return system_failure("/dev/net/tun");
  ifreq request = request_for(tap.name);
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    if (errno == EINVAL || errno == EEXIST)
      return fail(Code::kConflict, tap.name + " is of another shape");
    // A VMM has it open: it was finished before.
    if (errno != EBUSY) return system_failure("make " + tap.name);
  } else {
    if (::ioctl(fd.get(), TUNSETOWNER, static_cast<uint64_t>(tap.owner_uid)) !=
        0)
      return system_failure("owner of " + tap.name);
    if (::ioctl(fd.get(), TUNSETPERSIST, 1UL) != 0)
      return system_failure("keep " + tap.name);
  }
  CHRYSALIS_TRY(set_mtu(tap.name, tap.mtu));
  return bring_up(tap.name);
}

Result<void> tie(Netlink& netlink, const std::string& uplink,
                 const std::string& tap) {
  CHRYSALIS_ASSIGN(const int outside, require_index(uplink));
  CHRYSALIS_ASSIGN(const int guest, require_index(tap));
  CHRYSALIS_TRY(netlink.add_ingress(guest));
  CHRYSALIS_TRY(netlink.add_ingress(outside));
  CHRYSALIS_TRY(netlink.set_redirect(guest, outside));
  return netlink.set_redirect(outside, guest);
}

// Ours: [gx]<digits>n<digits>.
bool is_tap_name(std::string_view name) {
  if (name.empty() || (name[0] != 'g' && name[0] != 'x')) return false;
  const size_t n = name.find('n');
  const auto digits = [](std::string_view text) {
    return !text.empty() &&
           text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return n != std::string_view::npos && digits(name.substr(1, n - 1)) &&
         digits(name.substr(n + 1));
}

std::vector<std::string> list_taps() {
  std::vector<std::string> out;
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)>
      all(::if_nameindex(), ::if_freenameindex);
  for (const auto* one = all.get(); one != nullptr && one->if_index != 0; ++one)
    if (is_tap_name(one->if_name)) out.emplace_back(one->if_name);
  std::sort(out.begin(), out.end());
  return out;
}

// Takes this thread into the namespace, which is made if it is not there.
Result<void> enter_or_make(const std::filesystem::path& path) {
  if (const auto there = open_netns(path)) {
    if (::setns(there->get(), CLONE_NEWNET) != 0)
      return system_failure("setns");
    return {};
  }
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  const UniqueFd fd(
      ::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444));
  if (!fd.valid()) return system_failure(path.string());
  if (::unshare(CLONE_NEWNET) != 0) return system_failure("new namespace");
  if (::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND,
              nullptr) != 0)
    return system_failure("bind " + path.string());
  return {};
}

Result<void> ensure_uplinks(Netlink& netlink, size_t count, uint16_t mtu) {
  for (size_t i = 0; i < count; ++i)
    if (index_of(uplink_name(i)) == 0)
      CHRYSALIS_TRY(netlink.add_veth(outer_name(i), uplink_name(i), mtu));
  for (size_t i = 0; i < count; ++i) {
    CHRYSALIS_TRY(set_mtu(uplink_name(i), mtu));
    CHRYSALIS_TRY(bring_up(uplink_name(i)));
    if (index_of(outer_name(i)) != 0) CHRYSALIS_TRY(bring_up(outer_name(i)));
  }
  return {};
}

}  // namespace

std::string netns_name(std::string_view vm_uid) {
  return std::string(kNetnsPrefix) + std::string(vm_uid);
}

std::string tap_name(uint32_t generation, size_t index) {
  return "g" + std::to_string(generation) + "n" + std::to_string(index);
}

std::string throwaway_tap_name(uint32_t generation, size_t index) {
  return "x" + std::to_string(generation) + "n" + std::to_string(index);
}

std::string make_mac(std::string_view vm_uid, uint64_t operation,
                     size_t index) {
  const std::string text = std::string(vm_uid) + '/' +
                           std::to_string(operation) + '/' +
                           std::to_string(index);
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, then mixed
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  char out[18];
  std::snprintf(out, sizeof out, "02:%02x:%02x:%02x:%02x:%02x",
                static_cast<unsigned>(hash & 0xff),
                static_cast<unsigned>(hash >> 8 & 0xff),
                static_cast<unsigned>(hash >> 16 & 0xff),
                static_cast<unsigned>(hash >> 24 & 0xff),
                static_cast<unsigned>(hash >> 32 & 0xff));
  return out;
}

Result<void> VmNetwork::probe() const {
  return on_thread([]() -> Result<void> {
    if (::unshare(CLONE_NEWNET) != 0)
      return fail(Code::kUnsupported, "network namespaces are refused");
    const UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!fd.valid()) return fail(Code::kUnsupported, "no /dev/net/tun");
    return {};
  });
}

std::filesystem::path VmNetwork::netns_path(std::string_view vm_uid) const {
  return root_ / netns_name(vm_uid);
}

Result<void> VmNetwork::ensure(std::string_view vm_uid,
                               const NetworkSpec& spec) const {
  CHRYSALIS_TRY(check_uid(vm_uid));
  return on_thread([&]() -> Result<void> {
    CHRYSALIS_TRY(enter_or_make(netns_path(vm_uid)));
    CHRYSALIS_TRY(bring_up("lo"));
    CHRYSALIS_ASSIGN(Netlink netlink, Netlink::open());
    CHRYSALIS_TRY(ensure_uplinks(netlink, spec.uplinks, spec.mtu));
    for (const TapSpec& tap : spec.taps) CHRYSALIS_TRY(ensure_tap(tap));
    for (size_t i = 0; i < spec.tied.size(); ++i)
      CHRYSALIS_TRY(tie(netlink, uplink_name(i), spec.tied[i]));
    return {};
  });
}

Result<void> VmNetwork::switch_redirect(
    std::string_view vm_uid, const std::vector<std::string>& old_taps,
    const std::vector<std::string>& new_taps) const {
  CHRYSALIS_TRY(check_uid(vm_uid));
  CHRYSALIS_ASSIGN(const UniqueFd netns, open_netns(netns_path(vm_uid)));
  return inside(netns.get(), [&]() -> Result<void> {
    CHRYSALIS_ASSIGN(Netlink netlink, Netlink::open());
    for (size_t i = 0; i < new_taps.size(); ++i)
      CHRYSALIS_TRY(tie(netlink, uplink_name(i), new_taps[i]));
    for (size_t i = new_taps.size(); i < old_taps.size(); ++i)
      if (const int uplink = index_of(uplink_name(i)); uplink != 0)
        CHRYSALIS_TRY(netlink.remove_ingress(uplink));
    for (const std::string& tap : old_taps) {
      const int index = index_of(tap);
      const bool kept =
          std::find(new_taps.begin(), new_taps.end(), tap) != new_taps.end();
      if (index != 0 && !kept) CHRYSALIS_TRY(netlink.remove_ingress(index));
    }
    return {};
  });
}

Result<void> VmNetwork::remove_taps(
    std::string_view vm_uid, const std::vector<std::string>& taps) const {
  CHRYSALIS_TRY(check_uid(vm_uid));
  auto netns = open_netns(netns_path(vm_uid));
  if (!netns && netns.error().code == Code::kNotFound) return {};
  if (!netns) return tl::unexpected(std::move(netns).error());
  return inside(netns->get(), [&]() -> Result<void> {
    CHRYSALIS_ASSIGN(Netlink netlink, Netlink::open());
    for (const std::string& tap : taps) {
      if (!is_tap_name(tap)) return fail(Code::kInvalid, tap + " is no TAP");
      const int index = index_of(tap);
      if (index != 0) CHRYSALIS_TRY(netlink.remove_link(index));
    }
    return {};
  });
}

Result<void> VmNetwork::teardown(std::string_view vm_uid) const {
  CHRYSALIS_TRY(check_uid(vm_uid));
  const auto path = netns_path(vm_uid);
  // EINVAL: a bare file, bound no more.
  if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 &&
      errno != EINVAL && errno != ENOENT)
    return system_failure("unbind " + path.string());
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return system_failure("remove " + path.string());
  return {};
}

Result<std::vector<NetworkView>> VmNetwork::census() const {
  std::vector<NetworkView> out;
  std::error_code error;
  std::filesystem::directory_iterator entries(root_, error);
  if (error == std::errc::no_such_file_or_directory) return out;
  for (; !error && entries != std::filesystem::directory_iterator();
       entries.increment(error)) {
    const std::string name = entries->path().filename().string();
    if (!name.starts_with(kNetnsPrefix)) continue;
    NetworkView view{name, name.substr(kNetnsPrefix.size()), {}};
    // A bare file is listed too: teardown() removes it.
    if (auto netns = open_netns(entries->path()))
      CHRYSALIS_TRY(inside(netns->get(), [&]() -> Result<void> {
        view.taps = list_taps();
        return {};
      }));
    out.push_back(std::move(view));
  }
  if (error) return tl::unexpected(from_errno(error.value(), root_.string()));
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.netns < b.netns; });
  return out;
}

}  // namespace chrysalis::network
