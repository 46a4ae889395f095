#pragma once

// What becomes of a key after it was worked on. A value.

#include <algorithm>
#include <chrono>
#include <exception>
#include <optional>

#include "controller/runtime/work_queue.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/result.h"

namespace chrysalis::runtime {

struct Next {
  bool failed = false;  // again after the key's back-off
  std::optional<std::chrono::nanoseconds> after;  // again then at the latest

  // Both must be heeded.
  Next& merge(const Next& other) {
    failed = failed || other.failed;
    if (other.after && (!after || *other.after < *after)) after = other.after;
    return *this;
  }
};

// After a write to an object. Refused for its version: whoever changed it
// changed the cache too, which tells the key; waiting is enough. Refused for
// good: only another object can help, so it is not tried in a hurry.
inline Next after_write(const Result<>& written) {
  if (written) return {};
  switch (written.error().code) {
    case Code::kConflict:
    case Code::kNotFound:
      return {false, seconds{30}};
    case Code::kInvalid:
    case Code::kCorrupt:
    case Code::kUnsupported:
      return {false, seconds{300}};
    case Code::kUnavailable:
    case Code::kTimeout:
      return {true, std::nullopt};
  }
  return {true, std::nullopt};
}

inline Next at_wall(Wall when, Wall now) {
  const auto wait = std::max(when - now, Wall::duration{0});
  return {false, std::min<std::chrono::nanoseconds>(wait, seconds{3600})};
}

// No exception leaves a worker: what one object brings about is its own
// trouble, tried again after its back-off, and never the end of the process.
template <class Work>
Next contained(Work& work, const ObjectKey& key) {
  try {
    return work(key);
  } catch (const std::exception& e) {
    log::error("work on an object threw",
               {{"object", to_string(key)}, {"error", e.what()}});
  } catch (...) {
    log::error("work on an object threw", {{"object", to_string(key)}});
  }
  return {true, std::nullopt};
}

// Works on keys until the queue is shut down. `add_all` adds every key there
// is, with low priority: some were refused while the queue was full.
template <class Work, class AddAll>
void work_off(WorkQueue& queue, Work&& work, AddAll&& add_all) {
  while (const auto taken = queue.take()) {
    const Next next = contained(work, taken->key);
    if (next.failed) {
      queue.add_rate_limited(taken->key, taken->priority);
    } else {
      queue.forget(taken->key);
      if (next.after) queue.add_after(taken->key, *next.after, taken->priority);
    }
    queue.done(taken->key);
    if (queue.take_resync_request()) add_all();
  }
}

}  // namespace chrysalis::runtime
