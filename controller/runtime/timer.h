#pragma once

// A clock that a thread can wait by. The one place where the threads of this
// folder block on time, so that a test moves time by hand
// (tests/fakes/fake_timer.h) and never sleeps.
// Thread-safety: any thread.

#include <condition_variable>
#include <mutex>
#include <optional>

#include "src/base/clock.h"

namespace chrysalis::runtime {

class Timer : public Clock {
 public:
  // Waits on `signal` until it is notified or the deadline has passed; no
  // deadline waits for the notification alone. May return early: the caller
  // looks at its condition and at mono() again.
  virtual void wait(std::unique_lock<std::mutex>& lock,
                    std::condition_variable& signal,
                    std::optional<Mono> deadline) = 0;
};

class SystemTimer final : public Timer {
 public:
  [[nodiscard]] Mono mono() const override { return clock_.mono(); }
  [[nodiscard]] Wall wall() const override { return clock_.wall(); }
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& signal,
            std::optional<Mono> deadline) override;

 private:
  SystemClock clock_;
};

}  // namespace chrysalis::runtime
