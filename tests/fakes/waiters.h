#pragma once

// The threads that wait by a timer of tests (fake_timer.h, leap_timer.h): who
// waits until when, and how all of them are woken.
// Thread-safety: any thread.

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "src/base/clock.h"

namespace chrysalis {

class Waiters {
 public:
  struct Waiter {
    std::mutex* mutex;
    std::condition_variable* signal;
    std::optional<Mono> deadline;
  };
  using Place = std::list<Waiter>::iterator;

  Place enter(Waiter waiter) {
    const std::lock_guard lock(mutex_);
    waiters_.push_back(waiter);
    changed_.notify_all();
    return std::prev(waiters_.end());
  }
  void leave(Place self) {
    const std::lock_guard lock(mutex_);
    waiters_.erase(self);
    changed_.notify_all();
  }

  // Wakes each. A waiter holds its mutex until it sleeps, and the caller has
  // moved the time before: no wake-up is lost.
  void wake_all() {
    for (const Waiter& waiter : copy()) {
      const std::lock_guard lock(*waiter.mutex);
      waiter.signal->notify_all();
    }
  }

  // Bounded wait until `enough` says yes to the list; false after 20 s.
  template <class Enough>
  bool await(const Enough& enough) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds{20},
                             [&] { return enough(waiters_); });
  }

 private:
  std::vector<Waiter> copy() {
    const std::lock_guard lock(mutex_);
    return {waiters_.begin(), waiters_.end()};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiter> waiters_;
};

}  // namespace chrysalis
