#pragma once

// A Timer whose time moves only when a test says so; advancing wakes every
// waiting thread whose deadline has come.
// Thread-safety: any thread waits; one thread advances, and that thread also
// destroys what waits (or joins its threads) before this timer.

#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "controller/runtime/timer.h"
#include "tests/fakes/fake_clock.h"

namespace chrysalis {

class FakeTimer final : public runtime::Timer {
 public:
  [[nodiscard]] Mono mono() const override { return clock_.mono(); }
  [[nodiscard]] Wall wall() const override { return clock_.wall(); }

  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& signal,
            std::optional<Mono> deadline) override {
    const auto self = enter({lock.mutex(), &signal, deadline});
    // The waiter's mutex is held from here until it sleeps, and advance()
    // moves the time before it takes that mutex: no wake-up is lost.
    if (!deadline || mono() < *deadline) signal.wait(lock);
    leave(self);
  }

  void advance(std::chrono::nanoseconds by) {
    clock_.advance(by);
    for (const Waiter& waiter : waiters()) {
      const std::lock_guard lock(*waiter.mutex);
      waiter.signal->notify_all();
    }
  }

  // Bounded wait until `count` threads wait with a deadline that is still to
  // come. Returns the earliest of the deadlines, or nothing after 20 s.
  std::optional<Mono> await_deadlines(size_t count = 1) {
    std::unique_lock lock(mutex_);
    std::optional<Mono> earliest;
    const auto enough = [&] {
      size_t found = 0;
      earliest.reset();
      for (const Waiter& waiter : waiters_) {
        if (!waiter.deadline || *waiter.deadline <= mono()) continue;
        ++found;
        if (!earliest || *waiter.deadline < *earliest) {
          earliest = waiter.deadline;
        }
      }
      return found >= count;
    };
    if (!changed_.wait_for(lock, seconds{20}, enough)) return std::nullopt;
    return earliest;
  }

  // Waits for a waiter and moves the time to its deadline: "let the next
  // timer fire". False when nothing waited.
  bool fire_next() {
    const auto due = await_deadlines();
    if (!due) return false;
    advance(*due - mono());
    return true;
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
    changed_.notify_all();
  }
  std::vector<Waiter> waiters() {
    const std::lock_guard lock(mutex_);
    return {waiters_.begin(), waiters_.end()};
  }

  FakeClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Waiter> waiters_;
};

}  // namespace chrysalis
