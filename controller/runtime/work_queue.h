#pragma once

// The keyed work queue: handlers and timers put keys in, workers take them
// out, one worker a key. The rules are in queue_state.h.
//
// Thread-safety: all calls from any thread.
// Ownership: borrows the timer; the timer outlives the queue.

#include <condition_variable>
#include <mutex>
#include <optional>

#include "controller/runtime/queue_state.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

class WorkQueue {
 public:
  explicit WorkQueue(Timer& timer, QueueOptions options = {})
      : timer_(timer), state_(options) {}

  // Each returns false when the key was refused (full or shut down).
  bool add(const ObjectKey& key, int priority = kNormalPriority);
  bool add_after(const ObjectKey& key, std::chrono::nanoseconds delay,
                 int priority = kNormalPriority);
  // After a failure: waits the key's back-off.
  bool add_rate_limited(const ObjectKey& key, int priority = kNormalPriority);
  void forget(const ObjectKey& key);
  [[nodiscard]] int failures(const ObjectKey& key) const;

  // Blocks until a key is ready; nothing once the queue is shut down and, if
  // it was to drain, empty. The caller owes one done(key) for each.
  std::optional<QueueState::Taken> take();
  void done(const ObjectKey& key);

  // Ends the queue at once: what waits is dropped, every take() returns.
  void shut_down();
  // Ends the queue after its ready keys; blocks until the last is done.
  // Never to be called by a worker that holds a key.
  void drain();

  // True once after keys were refused for want of room and there is room
  // again: add all keys anew.
  bool take_resync_request();

  struct Depth {
    size_t ready, delayed, processing;
    QueueCounts counts;
  };
  [[nodiscard]] Depth depth() const;

 private:
  Timer& timer_;
  mutable std::mutex mutex_;
  std::condition_variable work_;      // a key may be ready
  std::condition_variable finished_;  // the drain may be over
  QueueState state_;
};

}  // namespace chrysalis::runtime
