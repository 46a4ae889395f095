#pragma once

// The objects of one kind, as reconcilers see them: a cache that is the source
// itself, and writes of status and finalizers into it.
// Thread-safety: reads from any thread; show() and hide() under the host's
//   lock, which the writes of Objects<T> take themselves.
// Ownership: borrows the host.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/runtime/directory/directory_scan.h"
#include "controller/runtime/object_store.h"
#include "controller/runtime/store.h"
#include "src/base/result.h"

namespace chrysalis::runtime::directory {

// What the objects of a kind need of the directory as a whole. Its members but
// writing() are called under that lock.
class ObjectHost {
 public:
  virtual ~ObjectHost() = default;
  virtual std::mutex& writing() = 0;
  virtual std::string next_version() = 0;  // counts up
  virtual void status_written(const ObjectId& id) = 0;
  // The last finalizer of a deleted object went: forgets it and hides it.
  virtual Result<> finalized(const ObjectId& id) = 0;
};

template <class T>
class KindObjects final : public Objects<T> {
 public:
  using typename Objects<T>::Object;

  KindObjects(api::Kind kind, ObjectHost& host) : kind_(kind), host_(host) {}

  // ---- the cache
  [[nodiscard]] Object get(const ObjectKey& key) const override {
    return store_.get(key);
  }
  [[nodiscard]] std::vector<Object> list() const override {
    return store_.list();
  }
  [[nodiscard]] bool synced() const override { return synced_; }
  void on_synced(std::function<void()> told) override {
    if (synced_) return told();
    on_synced_.push_back(std::move(told));
  }
  uint64_t add_handler(Handler handler) override {
    return store_.core().add_handler(std::move(handler));
  }
  std::optional<Mono> held_until(const ObjectKey&, Mono) override {
    return std::nullopt;  // a write is in the cache before it returns
  }
  Result<Object> read(const ObjectKey& key) override { return store_.get(key); }

  // ---- writes
  Result<> write_status(const T& of,
                        const typename T::Status& status) override {
    const std::lock_guard lock(host_.writing());
    CHRYSALIS_ASSIGN(const Object current, same(of));
    if (current->status == status) return {};
    T next = *current;
    next.status = status;
    put(std::move(next));
    host_.status_written(id_of(of.meta));
    return {};
  }

  Result<> set_finalizer(const T& of, std::string_view finalizer,
                         bool present) override {
    const std::lock_guard lock(host_.writing());
    CHRYSALIS_ASSIGN(const Object current, same(of));
    if (current->meta.has_finalizer(finalizer) == present) return {};
    T next = *current;
    if (present)
      next.meta.finalizers.emplace_back(finalizer);
    else
      std::erase(next.meta.finalizers, finalizer);
    if (next.meta.deleted_at && next.meta.finalizers.empty())
      return host_.finalized(id_of(of.meta));
    put(std::move(next));
    return {};
  }

  // ---- for the host
  // In place of what is shown under that name. Of the same uid, finalizers and
  // status stay as they are. False: it was shown already.
  bool show(T object) {
    const Object current = store_.get(key_of(object.meta));
    if (current && current->meta.uid == object.meta.uid) {
      object.meta.finalizers = current->meta.finalizers;
      object.status = current->status;
      object.meta.resource_version = current->meta.resource_version;
      if (object == *current) return false;
    }
    put(std::move(object));
    return true;
  }
  // A status from before this process, for an object that is shown.
  void seed(const T& of, typename T::Status status) {
    if (of.status == status) return;
    T next = of;
    next.status = std::move(status);
    put(std::move(next));
  }
  // False: it was hidden already.
  bool hide(const ObjectId& id) {
    const ObjectKey key{id.ns, id.name};
    if (!store_.get(key)) return false;
    store_.core().remove(key, host_.next_version());
    return true;
  }
  void now_synced() {
    synced_ = true;
    store_.core().advance(host_.next_version());
    for (const auto& told : on_synced_) told();
  }

 private:
  static ObjectKey key_of(const api::Meta& meta) {
    return {meta.ns, meta.name};
  }
  [[nodiscard]] ObjectId id_of(const api::Meta& meta) const {
    return {kind_, meta.ns, meta.name};
  }

  Result<Object> same(const T& of) const {
    Object current = store_.get(key_of(of.meta));
    if (!current || current->meta.uid != of.meta.uid)
      return fail(Code::kNotFound, "it is gone");
    if (current->meta.resource_version != of.meta.resource_version)
      return fail(Code::kConflict, "it changed since it was read");
    return current;
  }
  void put(T object) {
    object.meta.resource_version = host_.next_version();
    const ObjectKey key = key_of(object.meta);
    auto shared = std::make_shared<const T>(std::move(object));
    store_.core().upsert(
        key, {shared->meta.uid, shared->meta.resource_version, shared},
        /*modified=*/false);
  }

  const api::Kind kind_;
  ObjectHost& host_;
  Store<T> store_;
  std::atomic<bool> synced_ = false;
  std::vector<std::function<void()>> on_synced_;
};

}  // namespace chrysalis::runtime::directory
