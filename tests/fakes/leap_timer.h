#pragma once

// The system's monotonic clock, with leaps: for tests whose other side is a
// real socket, which judges deadlines by the real clock. A leap wakes every
// waiting thread whose deadline has come by it.
// Thread-safety: any thread waits; one thread leaps, and that thread also
// destroys what waits (or joins its threads) before this timer.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "controller/runtime/timer.h"

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
    const auto self = enter({lock.mutex(), &signal, deadline});
    if (!deadline) {
      signal.wait(lock);
    } else {
      signal.wait_until(lock,
                        *deadline - std::chrono::nanoseconds(leapt_ns_.load()));
    }
    leave(self);
  }

  void leap(std::chrono::nanoseconds by) {
    leapt_ns_ += by.count();
    for (const Waiter& waiter : waiters()) {
      const std::lock_guard lock(*waiter.mutex);
      waiter.signal->notify_all();
    }
  }

  // Bounded wait until a thread waits for a time that is further away than
  // `beyond`. How far it is then; nothing after 20 s.
  std::optional<std::chrono::nanoseconds> await_wait(
      std::chrono::nanoseconds beyond) {
    std::unique_lock lock(mutex_);
    std::optional<std::chrono::nanoseconds> found;
    changed_.wait_for(lock, seconds{20}, [&] {
      for (const Waiter& waiter : waiters_) {
        if (!waiter.deadline) continue;
        const auto left = *waiter.deadline - mono();
        if (left > beyond) found = left;
      }
      return found.has_value();
    });
    return found;
  }

 private:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* signal;
    std::optional<Mono> deadline;
  };

  std::list<Waiter>::iterator enter(Waiter waiter) {
    const std::lock_guard lock(mutex_);
    waiters_.push_back(waiter);
    changed_.notify_all();
    return std::prev(waiters_.end());
  }
  void leave(std::list<Waiter>::iterator self) {
    const std::lock_guard lock(mutex_);
    waiters_.erase(self);
  }
  std::vector<Waiter> waiters() {
    const std::lock_guard lock(mutex_);
    return {waiters_.begin(), waiters_.end()};
  }

  SystemClock clock_;
  std::atomic<int64_t> leapt_ns_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiter> waiters_;
};

}  // namespace chrysalis
