#include "controller/runtime/executor/known.h"

#include <utility>

namespace chrysalis::runtime {
namespace {

template <class Value>
void erase_one(std::multimap<ObjectKey, Value>& from, const ObjectKey& key,
               const Value& value) {
  const auto [first, last] = from.equal_range(key);
  for (auto at = first; at != last; ++at) {
    if (at->second != value) continue;
    from.erase(at);
    return;
  }
}

template <class Value>
std::vector<Value> all_of(const std::multimap<ObjectKey, Value>& in,
                          const ObjectKey& key) {
  std::vector<Value> out;
  const auto [first, last] = in.equal_range(key);
  for (auto at = first; at != last; ++at) out.push_back(at->second);
  return out;
}

}  // namespace

void Known::learn(const std::string& uid, const ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = entries_.try_emplace(uid);
  if (!is_new && at->second.key == key) return;
  if (!is_new) erase_one(by_key_, at->second.key, uid);
  at->second.key = key;
  by_key_.emplace(key, uid);
}

void Known::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at == entries_.end()) return;
  erase_one(by_key_, at->second.key, uid);
  entries_.erase(at);
}

std::optional<ObjectKey> Known::key_of(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at == entries_.end()) return std::nullopt;
  return at->second.key;
}

std::vector<std::string> Known::uids_of(const ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  return all_of(by_key_, key);
}

reconcile::Memory Known::memory(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  return at == entries_.end() ? reconcile::Memory{} : at->second.memory;
}

void Known::remember(const std::string& uid, reconcile::Memory memory) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at != entries_.end()) at->second.memory = std::move(memory);
}

void Known::saw_deletion(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at != entries_.end()) at->second.deletion_seen = true;
}

bool Known::deletion_seen(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  return at != entries_.end() && at->second.deletion_seen;
}

void Waiters::wait(const ObjectKey& waiter,
                   const std::optional<ObjectKey>& on) {
  const std::lock_guard lock(mutex_);
  const auto at = waits_.find(waiter);
  if (at != waits_.end()) {
    if (on == at->second) return;
    erase_one(waiters_, at->second, waiter);
    waits_.erase(at);
  }
  if (!on) return;
  waits_.emplace(waiter, *on);
  waiters_.emplace(*on, waiter);
}

std::vector<ObjectKey> Waiters::on(const ObjectKey& object) const {
  const std::lock_guard lock(mutex_);
  return all_of(waiters_, object);
}

}  // namespace chrysalis::runtime
