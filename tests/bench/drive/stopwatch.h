#pragma once

// Milliseconds between two moments, as a number.
// Thread-safety: a value.

#include <time.h>

#include <chrono>

#include "src/base/clock.h"

namespace chrysalis::bench {

inline double in_ms(Mono from, Mono to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// CPU of this process so far, all threads.
inline double cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 +
         static_cast<double>(now.tv_nsec) / 1e6;
}

class Stopwatch {
 public:
  [[nodiscard]] double ms() const { return in_ms(from_, Mono::clock::now()); }

 private:
  const Mono from_ = Mono::clock::now();
};

}  // namespace chrysalis::bench
