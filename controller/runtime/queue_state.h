#pragma once

// The decisions of the work queue, without a lock, a clock or a thread: which
// key is handed out next, and when. work_queue.h is the shell round it.
//
//             add                  take                 done
//   (absent) -----> ready --------------> processing ---------> (absent)
//       |             ^                     |   add: "again"       ^
//       | add_after   | due                 +--> processing, again |
//       +--> delayed -+                            | done -> ready +
//
// Rules (as in client-go and its priority queue):
//  - A key is handed out to one worker at a time. Added while processed, it
//    is handed out once more after done(); added twice while waiting, once.
//  - A second add keeps the higher priority and the earlier time.
//  - Higher priority first, first come first served within one; a raised key
//    goes to the end of its new priority.
//  - Delayed keys become ready in the order of their times.
//  - A failure waits max(5 ms * 2^n of the key, the bucket common to all).
// Bounded: a key that would be the (max_keys + 1)th is refused and counted;
// once the queue is half empty again, take_resync_request() asks, once, to
// add everything anew, so that nothing is lost for good.
//
// Thread-safety: none. PURE: `now` may jump forward; backward is ignored.

#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>

#include "controller/runtime/object_key.h"
#include "src/base/clock.h"

namespace chrysalis::runtime {

inline constexpr int kNormalPriority = 0;
inline constexpr int kLowPriority = -100;  // first list, resync

struct QueueOptions {
  std::chrono::nanoseconds first_backoff = milliseconds{5};
  std::chrono::nanoseconds max_backoff = seconds{1000};
  // The bucket shared by all failing keys: one per interval, burst at once.
  std::chrono::nanoseconds bucket_interval = milliseconds{100};
  int64_t bucket_burst = 100;
  size_t max_keys = 1'000'000;
};

struct QueueCounts {
  uint64_t adds = 0;     // keys that became ready, by whatever way
  uint64_t retries = 0;  // add_rate_limited
  uint64_t refused = 0;  // the queue was full, or shut down
};

class QueueState {
 public:
  explicit QueueState(QueueOptions options = {}) : options_(options) {}
  QueueState(const QueueState&) = delete;  // the sets point into the map
  QueueState& operator=(const QueueState&) = delete;

  // Each returns false when the key was refused.
  bool add(const ObjectKey& key, int priority, Mono now);
  bool add_after(const ObjectKey& key, std::chrono::nanoseconds delay,
                 int priority, Mono now);
  bool add_rate_limited(const ObjectKey& key, int priority, Mono now);

  // The key succeeded: its next failure waits the first back-off again.
  void forget(const ObjectKey& key) { failures_.erase(key); }
  [[nodiscard]] int failures(const ObjectKey& key) const;

  struct Taken {
    ObjectKey key;
    int priority;
  };
  // The next key, now being processed; nothing when none is ready.
  std::optional<Taken> take(Mono now);
  // REQUIRES: the key was taken and not yet done; else nothing happens.
  void done(const ObjectKey& key, Mono now);

  // When the next delayed key is due. Nothing: only an add brings work.
  [[nodiscard]] std::optional<Mono> next_due() const;
  // True if take() would hand out a key now.
  [[nodiscard]] bool has_ready(Mono now);

  // No key is accepted from here on and delayed ones are dropped. With
  // `drain` the ready ones are still handed out, without it they go too.
  void shut_down(bool drain);
  [[nodiscard]] bool shutting_down() const { return shutting_down_; }
  // Shut down and nothing ready: workers leave.
  [[nodiscard]] bool exhausted() const {
    return shutting_down_ && ready_.empty();
  }
  // Exhausted, and no worker holds a key either.
  [[nodiscard]] bool finished() const {
    return exhausted() && processing_ == 0;
  }

  [[nodiscard]] size_t ready() const { return ready_.size(); }
  [[nodiscard]] size_t delayed() const { return delayed_.size(); }
  [[nodiscard]] size_t processing() const { return processing_; }
  [[nodiscard]] const QueueCounts& counts() const { return counts_; }

  bool take_resync_request();

 private:
  struct Entry {
    int priority = kNormalPriority;
    uint64_t sequence = 0;
    std::optional<Mono> due;  // delayed until then
    bool waiting = false;     // ready, or "again" while processing
    bool processing = false;
  };
  using Entries = std::unordered_map<ObjectKey, Entry, ObjectKeyHash>;
  using Node = Entries::value_type;
  using Ready = std::tuple<int, uint64_t, Node*>;     // -priority, sequence
  using Delayed = std::tuple<Mono, uint64_t, Node*>;  // due, sequence

  Node* admit(const ObjectKey& key);
  void raise(Node& node, int priority);
  void make_ready(Node& node);
  void set_due(Node& node, Mono due);
  void clear_due(Node& node);
  void promote_due(Mono now);
  std::chrono::nanoseconds backoff(const ObjectKey& key);
  std::chrono::nanoseconds bucket_delay();
  void move_time(Mono now) {
    if (now > now_) now_ = now;
  }

  QueueOptions options_;
  Entries entries_;
  std::set<Ready> ready_;
  std::set<Delayed> delayed_;
  std::unordered_map<ObjectKey, int, ObjectKeyHash> failures_;
  size_t processing_ = 0;
  uint64_t next_sequence_ = 0;
  Mono now_{};
  Mono bucket_full_at_{};  // when the bucket would be full again
  bool shutting_down_ = false;
  bool resync_wanted_ = false;
  QueueCounts counts_;
};

}  // namespace chrysalis::runtime
