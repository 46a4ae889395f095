#include "controller/runtime/directory/new_uid.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace chrysalis::runtime::directory {

std::string new_uid() {
  std::array<uint8_t, 16> bytes{};
  // So few bytes never come in parts; it fails only where there is no such
  // call, and without uids nothing may be created.
  while (::getrandom(bytes.data(), bytes.size(), 0) !=
         static_cast<ssize_t>(bytes.size()))
    if (errno != EINTR) std::abort();
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += "0123456789abcdef"[bytes[i] >> 4];
    out += "0123456789abcdef"[bytes[i] & 15];
  }
  return out;
}

}  // namespace chrysalis::runtime::directory
