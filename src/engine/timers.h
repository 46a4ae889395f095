#pragma once

// Calls at a time to come, by a thread of its own: so that a lane never waits.
// Each at most once, none after stop(). Time is the given clock's; a test that
// moves it by hand says so with nudge().
//
// Thread-safety: every method from any thread, also from a call.
// Ownership: borrows the clock.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "src/base/clock.h"

namespace chrysalis::engine {

class Timers {
 public:
  explicit Timers(const Clock& clock);
  ~Timers();
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  using Call = std::function<void()>;  // it must be cheap
  void at(Mono when, Call call);
  // The clock was moved: returns when no call is due that was not begun.
  void nudge();
  // For tests: until a call is waited for, by real time; false: none.
  bool await_call(milliseconds at_most);
  // Returns when no call runs; what is left is dropped.
  void stop();

 private:
  void run();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_, changed_;
  std::multimap<Mono, Call> calls_;
  bool nudged_ = false, stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace chrysalis::engine
