#pragma once

// What of a host a test has for itself, once it has left the host's mount and
// network namespaces. Each call is for the calling thread's namespaces; false
// with errno.

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>

#include "src/base/unique_fd.h"

namespace chrysalis {

// Nothing reaches the host's mounts; within, they are shared, as a host's are.
inline bool share_own_mounts() {
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) == 0;
}

// Where network namespaces are named. REQUIRES: share_own_mounts().
inline bool own_netns_directory() {
  std::error_code error;
  std::filesystem::create_directories("/run/netns", error);
  return ::mount("tmpfs", "/run/netns", "tmpfs", 0, nullptr) == 0;
}

inline bool loopback_up() {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags |= IFF_UP;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

}  // namespace chrysalis
