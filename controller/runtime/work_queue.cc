#include "controller/runtime/work_queue.h"

namespace chrysalis::runtime {

bool WorkQueue::add(const ObjectKey& key, int priority) {
  const std::lock_guard lock(mutex_);
  const bool accepted = state_.add(key, priority, timer_.mono());
  work_.notify_one();
  return accepted;
}

bool WorkQueue::add_after(const ObjectKey& key, std::chrono::nanoseconds delay,
                          int priority) {
  const std::lock_guard lock(mutex_);
  const bool accepted = state_.add_after(key, delay, priority, timer_.mono());
  work_.notify_one();  // a worker must learn of an earlier due time
  return accepted;
}

bool WorkQueue::add_rate_limited(const ObjectKey& key, int priority) {
  const std::lock_guard lock(mutex_);
  const bool accepted = state_.add_rate_limited(key, priority, timer_.mono());
  work_.notify_one();
  return accepted;
}

void WorkQueue::forget(const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  state_.forget(key);
}

int WorkQueue::failures(const ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  return state_.failures(key);
}

std::optional<QueueState::Taken> WorkQueue::take() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (auto taken = state_.take(timer_.mono())) {
      // One notification may stand for several due keys.
      if (state_.ready() > 0 || state_.delayed() > 0) work_.notify_one();
      return taken;
    }
    if (state_.exhausted()) return std::nullopt;
    timer_.wait(lock, work_, state_.next_due());
  }
}

void WorkQueue::done(const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  state_.done(key, timer_.mono());
  work_.notify_one();
  if (state_.finished()) {
    work_.notify_all();
    finished_.notify_all();
  }
}

void WorkQueue::shut_down() {
  const std::lock_guard lock(mutex_);
  state_.shut_down(/*drain=*/false);
  work_.notify_all();
  finished_.notify_all();
}

void WorkQueue::drain() {
  std::unique_lock lock(mutex_);
  state_.shut_down(/*drain=*/true);
  work_.notify_all();
  while (!state_.finished()) finished_.wait(lock);
}

bool WorkQueue::take_resync_request() {
  const std::lock_guard lock(mutex_);
  return state_.take_resync_request();
}

WorkQueue::Depth WorkQueue::depth() const {
  const std::lock_guard lock(mutex_);
  return {state_.ready(), state_.delayed(), state_.processing(),
          state_.counts()};
}

}  // namespace chrysalis::runtime
