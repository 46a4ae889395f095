#pragma once

// Milliseconds between two moments, as a number.
// Thread-safety: a value.

#include <chrono>

#include "src/base/clock.h"

namespace chrysalis::bench {

inline double in_ms(Mono from, Mono to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

class Stopwatch {
 public:
  [[nodiscard]] double ms() const { return in_ms(from_, Mono::clock::now()); }

 private:
  const Mono from_ = Mono::clock::now();
};

}  // namespace chrysalis::bench
