#pragma once

// The objects of one kind in memory, as an API server and a cache over it:
// versions, refused stale writes, finalizers that hold a deletion back, a
// cache that selects and, when the test says so, lags behind.
// Thread-safety: every call from any thread; handlers run on the caller's.

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/runtime/object_store.h"
#include "src/base/clock.h"

namespace chrysalis {

template <class T>
class FakeObjects final : public runtime::Objects<T> {
 public:
  using Object = std::shared_ptr<const T>;
  using Key = runtime::ObjectKey;
  using Select = std::function<bool(const T&)>;

  explicit FakeObjects(Select select = [](const T&) { return true; })
      : select_(std::move(select)) {}

  // ---- runtime::Objects
  Object get(const Key& key) const override {
    const std::lock_guard lock(mutex_);
    return find(cache_, key);
  }
  std::vector<Object> list() const override {
    const std::lock_guard lock(mutex_);
    ++lists_;
    std::vector<Object> out;
    for (const auto& [key, object] : cache_) out.push_back(object);
    return out;
  }
  bool synced() const override {
    const std::lock_guard lock(mutex_);
    return synced_;
  }
  void on_synced(std::function<void()> told) override {
    {
      const std::lock_guard lock(mutex_);
      if (!synced_) {
        on_synced_.push_back(std::move(told));
        return;
      }
    }
    told();
  }
  uint64_t add_handler(runtime::Handler handler) override {
    std::vector<Key> held;
    {
      const std::lock_guard lock(mutex_);
      handlers_.push_back(handler);
      for (const auto& [key, object] : cache_) held.push_back(key);
    }
    for (const Key& key : held) handler({key, runtime::Change::kAdded, true});
    return 1;
  }
  std::optional<Mono> held_until(const Key& key, Mono now) override {
    const std::lock_guard lock(mutex_);
    if (!held_.contains(key)) return std::nullopt;
    return now + seconds{120};
  }
  Result<Object> read(const Key& key) override {
    const std::lock_guard lock(mutex_);
    ++reads_;
    if (broken_) return fail(*broken_, "as the test says");
    return find(server_, key);
  }
  Result<> write_status(const T& of,
                        const typename T::Status& status) override {
    if (before_write_) before_write_(key_of(of));
    return write(of, [&](T& object) {
      object.status = status;
      ++status_writes_[key_of(of)];
    });
  }
  Result<> set_finalizer(const T& of, std::string_view finalizer,
                         bool present) override {
    return write(of, [&](T& object) {
      auto& all = object.meta.finalizers;
      std::erase(all, finalizer);
      if (present) all.emplace_back(finalizer);
      ++finalizer_writes_[key_of(of)];
    });
  }

  // ---- the user's side
  void put(T object) {
    const Key key = key_of(object);
    {
      const std::lock_guard lock(mutex_);
      object.meta.resource_version = std::to_string(++version_);
      server_[key] = std::make_shared<T>(std::move(object));
    }
    arrive(key);
  }
  // Changes what is stored; the spec's generation counts up.
  void edit(const Key& key, const std::function<void(T&)>& how) {
    T object = *stored(key);
    how(object);
    ++object.meta.generation;
    put(std::move(object));
  }
  void ask_deletion(const Key& key, Wall now) {
    T object = *stored(key);
    object.meta.deleted_at = now;
    if (object.meta.finalizers.empty()) return vanish(key);
    put(std::move(object));
  }
  void vanish(const Key& key) {
    {
      const std::lock_guard lock(mutex_);
      server_.erase(key);
    }
    arrive(key);
  }

  // ---- the test's
  Object stored(const Key& key) const {
    const std::lock_guard lock(mutex_);
    return find(server_, key);
  }
  // While it lags, nothing reaches the cache before catch_up().
  void lag(bool on) {
    const std::lock_guard lock(mutex_);
    lags_ = on;
  }
  void catch_up(const Key& key) { deliver(key); }
  void set_synced(bool on) {
    std::vector<std::function<void()>> told;
    {
      const std::lock_guard lock(mutex_);
      synced_ = on;
      if (on) told.swap(on_synced_);
    }
    for (const auto& each : told) each();
  }
  // Every read and write fails like this; nothing: they work.
  // On the thread that writes a status, before it does. Set before the start.
  void before_write(std::function<void(const Key&)> told) {
    before_write_ = std::move(told);
  }
  void break_down(std::optional<Code> code) {
    const std::lock_guard lock(mutex_);
    broken_ = code;
  }
  int status_writes(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto at = status_writes_.find(key);
    return at == status_writes_.end() ? 0 : at->second;
  }
  int writes(const Key& key) const {
    const std::lock_guard lock(mutex_);
    const auto at = finalizer_writes_.find(key);
    const auto status = status_writes_.find(key);
    return (at == finalizer_writes_.end() ? 0 : at->second) +
           (status == status_writes_.end() ? 0 : status->second);
  }
  int refused_writes() const {
    const std::lock_guard lock(mutex_);
    return refused_;
  }
  int reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
  }
  int lists() const {
    const std::lock_guard lock(mutex_);
    return lists_;
  }
  // Bounded wait until what is stored pleases; null: there is none. False
  // after 20 s.
  bool await(const Key& key, const std::function<bool(const T*)>& pleases) {
    std::unique_lock lock(mutex_);
    return moved_.wait_for(lock, seconds{20},
                           [&] { return pleases(find(server_, key).get()); });
  }

 private:
  using Map = std::map<Key, Object>;

  std::function<void(const Key&)> before_write_;

  static Key key_of(const T& object) {
    return {object.meta.ns, object.meta.name};
  }
  static Object find(const Map& in, const Key& key) {
    const auto at = in.find(key);
    return at == in.end() ? nullptr : at->second;
  }

  template <class Change>
  Result<> write(const T& of, Change change) {
    const Key key = key_of(of);
    {
      const std::lock_guard lock(mutex_);
      if (broken_) return fail(*broken_, "as the test says");
      const Object now = find(server_, key);
      if (!now || now->meta.uid != of.meta.uid) {
        ++refused_;
        return fail(Code::kNotFound, "gone");
      }
      if (now->meta.resource_version != of.meta.resource_version) {
        ++refused_;
        return fail(Code::kConflict, "changed");
      }
      auto next = std::make_shared<T>(*now);
      change(*next);
      next->meta.resource_version = std::to_string(++version_);
      if (next->meta.deleted_at && next->meta.finalizers.empty())
        server_.erase(key);
      else
        server_[key] = std::move(next);
      held_.insert_or_assign(key, true);
    }
    arrive(key);
    return {};
  }

  void arrive(const Key& key) {
    bool lags = false;
    {
      const std::lock_guard lock(mutex_);
      moved_.notify_all();
      lags = lags_;
    }
    if (!lags) deliver(key);
  }

  void deliver(const Key& key) {
    std::vector<runtime::Handler> handlers;
    runtime::Change change = runtime::Change::kUpdated;
    {
      const std::lock_guard lock(mutex_);
      const Object now = find(server_, key);
      held_.erase(key);
      const bool was = cache_.contains(key);
      const bool is = now && select_(*now);
      if (is)
        cache_[key] = now;
      else
        cache_.erase(key);
      if (!was && !is) return;
      if (!is) change = runtime::Change::kDeleted;
      handlers = handlers_;
    }
    for (const auto& handler : handlers) handler({key, change, false});
  }

  Select select_;
  mutable std::mutex mutex_;
  std::condition_variable moved_;
  Map server_, cache_;
  std::map<Key, bool> held_;
  std::vector<runtime::Handler> handlers_;
  std::vector<std::function<void()>> on_synced_;
  std::map<Key, int> status_writes_, finalizer_writes_;
  uint64_t version_ = 0;
  bool lags_ = false, synced_ = true;
  std::optional<Code> broken_;
  int refused_ = 0, reads_ = 0;
  mutable int lists_ = 0;
};

class FakeEvents final : public runtime::EventSink {
 public:
  void tell(runtime::EventNote note) override {
    const std::lock_guard lock(mutex_);
    told_.push_back(std::move(note));
  }
  std::vector<runtime::EventNote> told() const {
    const std::lock_guard lock(mutex_);
    return told_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<runtime::EventNote> told_;
};

}  // namespace chrysalis
