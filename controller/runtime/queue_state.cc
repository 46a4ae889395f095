#include "controller/runtime/queue_state.h"

#include <algorithm>

namespace chrysalis::runtime {

QueueState::Node* QueueState::admit(const ObjectKey& key) {
  if (shutting_down_) {
    ++counts_.refused;
    return nullptr;
  }
  const auto found = entries_.find(key);
  if (found != entries_.end()) return &*found;
  if (entries_.size() >= options_.max_keys) {
    ++counts_.refused;
    resync_wanted_ = true;
    return nullptr;
  }
  return &*entries_.emplace(key, Entry{}).first;
}

void QueueState::raise(Node& node, int priority) {
  Entry& entry = node.second;
  const bool idle = !entry.waiting && !entry.due;
  if (idle) {
    entry.priority = priority;
    return;
  }
  if (priority <= entry.priority) return;
  const bool queued = entry.waiting && !entry.processing;
  if (queued) ready_.erase({-entry.priority, entry.sequence, &node});
  entry.priority = priority;
  if (queued) {
    entry.sequence = next_sequence_++;
    ready_.insert({-entry.priority, entry.sequence, &node});
  }
}

void QueueState::make_ready(Node& node) {
  Entry& entry = node.second;
  clear_due(node);
  if (entry.waiting) return;
  entry.waiting = true;
  ++counts_.adds;
  if (entry.processing) return;  // done() queues it
  entry.sequence = next_sequence_++;
  ready_.insert({-entry.priority, entry.sequence, &node});
}

void QueueState::set_due(Node& node, Mono due) {
  Entry& entry = node.second;
  clear_due(node);
  entry.due = due;
  entry.sequence = next_sequence_++;
  delayed_.insert({due, entry.sequence, &node});
}

void QueueState::clear_due(Node& node) {
  Entry& entry = node.second;
  if (!entry.due) return;
  delayed_.erase({*entry.due, entry.sequence, &node});
  entry.due.reset();
}

void QueueState::promote_due(Mono now) {
  move_time(now);
  while (!delayed_.empty() && std::get<Mono>(*delayed_.begin()) <= now_) {
    make_ready(*std::get<Node*>(*delayed_.begin()));
  }
}

bool QueueState::add(const ObjectKey& key, int priority, Mono now) {
  promote_due(now);
  Node* node = admit(key);
  if (node == nullptr) return false;
  raise(*node, priority);
  make_ready(*node);
  return true;
}

bool QueueState::add_after(const ObjectKey& key, std::chrono::nanoseconds delay,
                           int priority, Mono now) {
  if (delay <= delay.zero()) return add(key, priority, now);
  promote_due(now);
  Node* node = admit(key);
  if (node == nullptr) return false;
  raise(*node, priority);
  Entry& entry = node->second;
  const Mono due =
      now_ +
      std::min(delay, std::chrono::nanoseconds(std::chrono::hours{24 * 365}));
  // Ready is earlier than any time, also "again after this run".
  if (!entry.waiting && (!entry.due || due < *entry.due)) set_due(*node, due);
  return true;
}

bool QueueState::add_rate_limited(const ObjectKey& key, int priority,
                                  Mono now) {
  if (shutting_down_) {
    ++counts_.refused;
    return false;
  }
  move_time(now);
  ++counts_.retries;
  const auto delay = std::max(backoff(key), bucket_delay());
  return add_after(key, delay, priority, now);
}

int QueueState::failures(const ObjectKey& key) const {
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

std::chrono::nanoseconds QueueState::backoff(const ObjectKey& key) {
  int& count = failures_[key];
  auto delay = options_.first_backoff;
  for (int i = 0; i < count && delay < options_.max_backoff; ++i) delay *= 2;
  ++count;
  return std::min(delay, options_.max_backoff);
}

// The bucket as one instant: each reservation moves it by one interval, and
// a reservation waits for what exceeds the burst.
std::chrono::nanoseconds QueueState::bucket_delay() {
  bucket_full_at_ = std::max(bucket_full_at_, now_);
  const Mono allowed =
      bucket_full_at_ - options_.bucket_interval * (options_.bucket_burst - 1);
  bucket_full_at_ =
      std::min(bucket_full_at_ + options_.bucket_interval,
               now_ + options_.max_backoff +
                   options_.bucket_interval * options_.bucket_burst);
  return std::max(std::chrono::nanoseconds::zero(),
                  std::chrono::nanoseconds(allowed - now_));
}

std::optional<QueueState::Taken> QueueState::take(Mono now) {
  promote_due(now);
  if (ready_.empty()) return std::nullopt;
  Node& node = *std::get<Node*>(*ready_.begin());
  ready_.erase(ready_.begin());
  node.second.waiting = false;
  node.second.processing = true;
  ++processing_;
  return Taken{node.first, node.second.priority};
}

void QueueState::done(const ObjectKey& key, Mono now) {
  promote_due(now);
  const auto found = entries_.find(key);
  if (found == entries_.end() || !found->second.processing) return;
  Entry& entry = found->second;
  entry.processing = false;
  --processing_;
  if (entry.waiting) {
    entry.sequence = next_sequence_++;
    ready_.insert({-entry.priority, entry.sequence, &*found});
  } else if (!entry.due) {
    entries_.erase(found);
  }
}

std::optional<Mono> QueueState::next_due() const {
  if (delayed_.empty()) return std::nullopt;
  return std::get<Mono>(*delayed_.begin());
}

bool QueueState::has_ready(Mono now) {
  promote_due(now);
  return !ready_.empty();
}

void QueueState::shut_down(bool drain) {
  shutting_down_ = true;
  delayed_.clear();
  if (!drain) ready_.clear();
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    entry.due.reset();
    if (!drain) entry.waiting = false;
    it = entry.waiting || entry.processing ? std::next(it) : entries_.erase(it);
  }
}

bool QueueState::take_resync_request() {
  if (!resync_wanted_ || entries_.size() > options_.max_keys / 2) return false;
  resync_wanted_ = false;
  return true;
}

}  // namespace chrysalis::runtime
