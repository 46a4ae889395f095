#pragma once

// The system's monotonic clock, with leaps: for tests whose other side is a
// real socket, which judges deadlines by the real clock. A leap wakes every
// waiting thread whose deadline has come by it.
// Thread-safety: any thread waits; one thread leaps, and that thread also
// destroys what waits (or joins its threads) before this timer.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "controller/runtime/timer.h"
#include "tests/fakes/waiters.h"

namespace chrysalis {

class LeapTimer final : public runtime::Timer {
 public:
  [[nodiscard]] Mono mono() const override {
    return clock_.mono() + std::chrono::nanoseconds(leapt_ns_.load());
  }
  [[nodiscard]] Wall wall() const override {
    return clock_.wall() + std::chrono::duration_cast<Wall::duration>(
                               std::chrono::nanoseconds(leapt_ns_.load()));
  }

  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& signal,
            std::optional<Mono> deadline) override {
    const auto self = waiters_.enter({lock.mutex(), &signal, deadline});
    if (!deadline) {
      signal.wait(lock);
    } else {
      signal.wait_until(lock,
                        *deadline - std::chrono::nanoseconds(leapt_ns_.load()));
    }
    waiters_.leave(self);
  }

  void leap(std::chrono::nanoseconds by) {
    leapt_ns_ += by.count();
    waiters_.wake_all();
  }

  // Bounded wait until a thread waits for a time that is further away than
  // `beyond`. How far it is then; nothing after 20 s.
  std::optional<std::chrono::nanoseconds> await_wait(
      std::chrono::nanoseconds beyond) {
    std::optional<std::chrono::nanoseconds> found;
    waiters_.await([&](const auto& waiters) {
      for (const Waiters::Waiter& waiter : waiters) {
        if (!waiter.deadline) continue;
        const auto left = *waiter.deadline - mono();
        if (left > beyond) found = left;
      }
      return found.has_value();
    });
    return found;
  }

 private:
  SystemClock clock_;
  std::atomic<int64_t> leapt_ns_ = 0;
  Waiters waiters_;
};

}  // namespace chrysalis
