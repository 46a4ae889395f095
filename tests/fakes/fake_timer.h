#pragma once

// A Timer whose time moves only when a test says so; advancing wakes every
// waiting thread whose deadline has come.
// Thread-safety: any thread waits; one thread advances, and that thread also
// destroys what waits (or joins its threads) before this timer.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "controller/runtime/timer.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/waiters.h"

namespace chrysalis {

class FakeTimer final : public runtime::Timer {
 public:
  [[nodiscard]] Mono mono() const override { return clock_.mono(); }
  [[nodiscard]] Wall wall() const override { return clock_.wall(); }

  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& signal,
            std::optional<Mono> deadline) override {
    const auto self = waiters_.enter({lock.mutex(), &signal, deadline});
    if (!deadline || mono() < *deadline) signal.wait(lock);
    waiters_.leave(self);
  }

  void advance(std::chrono::nanoseconds by) {
    clock_.advance(by);
    waiters_.wake_all();
  }

  // Bounded wait until `count` threads wait with a deadline that is still to
  // come. Returns the earliest of the deadlines, or nothing after 20 s.
  std::optional<Mono> await_deadlines(size_t count = 1) {
    std::optional<Mono> earliest;
    const auto enough = [&](const auto& waiters) {
      size_t found = 0;
      earliest.reset();
      for (const Waiters::Waiter& waiter : waiters) {
        if (!waiter.deadline || *waiter.deadline <= mono()) continue;
        ++found;
        if (!earliest || *waiter.deadline < *earliest) {
          earliest = waiter.deadline;
        }
      }
      return found >= count;
    };
    if (!waiters_.await(enough)) return std::nullopt;
    return earliest;
  }

  // Bounded wait until `count` threads wait for a notification alone: nobody
  // among them polls.
  bool await_idle(size_t count) {
    return waiters_.await([&](const auto& waiters) {
      size_t idle = 0;
      for (const Waiters::Waiter& waiter : waiters)
        if (!waiter.deadline) ++idle;
      return idle >= count;
    });
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
  FakeClock clock_;
  Waiters waiters_;
};

}  // namespace chrysalis
