#include "src/engine/timers.h"

#include <utility>

namespace chrysalis::engine {

Timers::Timers(const Clock& clock)
    : clock_(clock), thread_([this] { run(); }) {}

Timers::~Timers() { stop(); }

void Timers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    calls_.clear();
  }
  wake_.notify_all();
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Timers::at(Mono when, Call call) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    calls_.emplace(when, std::move(call));
    nudged_ = true;
  }
  wake_.notify_all();
  changed_.notify_all();
}

bool Timers::await_call(milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [this] { return !calls_.empty(); });
}

void Timers::nudge() {
  std::unique_lock lock(mutex_);
  nudged_ = true;
  wake_.notify_all();
  changed_.wait(lock, [this] {
    return calls_.empty() || calls_.begin()->first > clock_.mono();
  });
}

void Timers::run() {
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return nudged_ || stopping_; };
  while (!stopping_) {
    nudged_ = false;
    if (calls_.empty()) {
      wake_.wait(lock, woken);
      continue;
    }
    const auto next = calls_.begin();
    const auto left = next->first - clock_.mono();
    if (left > left.zero()) {
      wake_.wait_for(lock, left, woken);
      continue;
    }
    const Call call = std::move(next->second);
    calls_.erase(next);
    changed_.notify_all();
    lock.unlock();
    call();
    lock.lock();
  }
}

}  // namespace chrysalis::engine
