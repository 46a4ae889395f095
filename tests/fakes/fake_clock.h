#pragma once

// Time that moves only when a test says so.
// Thread-safety: any thread may read while one thread advances.

#include <atomic>

#include "src/base/clock.h"

namespace chrysalis {

class FakeClock final : public Clock {
 public:
  [[nodiscard]] Mono mono() const override {
    return Mono{std::chrono::nanoseconds{elapsed_ns_.load()}};
  }
  // Starts at a fixed instant, so golden status text is stable.
  [[nodiscard]] Wall wall() const override {
    return Wall{seconds{1'800'000'000}} +
           std::chrono::duration_cast<Wall::duration>(
               std::chrono::nanoseconds{elapsed_ns_.load()});
  }
  void advance(std::chrono::nanoseconds by) { elapsed_ns_ += by.count(); }

 private:
  std::atomic<int64_t> elapsed_ns_{3'600'000'000'000};
};

}  // namespace chrysalis
