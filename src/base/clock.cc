#include "src/base/clock.h"

#include <ctime>

namespace chrysalis {

Mono SystemClock::mono() const { return std::chrono::steady_clock::now(); }
Wall SystemClock::wall() const { return std::chrono::system_clock::now(); }

std::string to_rfc3339(Wall time) {
  const std::time_t whole = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char buffer[32];
  const size_t size =
      std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer, size};
}

}  // namespace chrysalis
