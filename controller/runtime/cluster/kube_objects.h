#pragma once

// The objects of one kind in an API server: read by a reflector into a cache,
// written by one request each. The agent selects its own node's objects
// (on_node), the controller takes all.
//
// Writes carry the resourceVersion of the object they were computed from, so
// what changed meanwhile is refused (kConflict) and never overwritten. The
// version that a write returns closes the gate of its key until the cache has
// passed it. A status that stands there already is not written.
// Life: handlers, then start(), then stop() or destruction.
// Thread-safety: start and stop from one thread, the rest from any.
// Ownership: borrows everything in Deps; all of it outlives this.
// Errors: object_store.h; kCorrupt - read() met an object that does not fit.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/client.h"
#include "controller/runtime/cluster/reflector.h"
#include "controller/runtime/object_store.h"
#include "controller/runtime/store.h"

namespace chrysalis::runtime {

// "status.nodeName=<node>": what the agent of a node watches.
[[nodiscard]] std::string on_node(std::string_view node);

template <class T>
class KubeObjects final : public Objects<T> {
 public:
  using Object = typename Objects<T>::Object;
  struct Deps {
    kube::Client& client;
    kube::Transport& transport;
    Timer& timer;
  };

  KubeObjects(Deps deps, std::string field_selector,
              ReflectorOptions options = {});

  void start() { reflector_.start(); }
  void stop() { reflector_.stop(); }
  // Blocks; false when the deadline or a stop came first.
  bool wait_until_synced(Mono deadline) {
    return reflector_.wait_until_synced(deadline);
  }
  [[nodiscard]] const Reflector& reflector() const { return reflector_; }
  [[nodiscard]] const StoreCore& cache() const { return store_.core(); }

  Object get(const ObjectKey& key) const override { return store_.get(key); }
  std::vector<Object> list() const override { return store_.list(); }
  bool synced() const override { return reflector_.synced(); }
  void on_synced(std::function<void()> told) override;
  uint64_t add_handler(Handler handler) override;
  std::optional<Mono> held_until(const ObjectKey& key, Mono now) override;
  Result<Object> read(const ObjectKey& key) override;
  Result<> write_status(const T& of, const typename T::Status& status) override;
  Result<> set_finalizer(const T& of, std::string_view finalizer,
                         bool present) override;

 private:
  ReflectorOptions telling(ReflectorOptions options);
  Result<> wrote(const T& of, const Result<kube::Object>& written);

  const Deps deps_;
  Store<T> store_;
  std::vector<std::function<void()>> on_synced_;  // before start() alone
  Reflector reflector_;  // after the store: it ends first
};

extern template class KubeObjects<api::VirtualMachine>;
extern template class KubeObjects<api::VmSnapshot>;

}  // namespace chrysalis::runtime
