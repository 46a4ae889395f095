#pragma once

// One VMSnapshot of this node, once: observe, plan, carry out.
// Thread-safety: work() from many threads, one a key.

#include <functional>

#include "controller/reconcile/snapshot/plan.h"
#include "controller/runtime/executor/known.h"
#include "controller/runtime/executor/next.h"
#include "controller/runtime/object_store.h"
#include "src/engine/engine.h"

namespace chrysalis::runtime {

class SnapshotWorker {
 public:
  struct Deps {
    ObjectStore store;
    engine::Engine& engine;
    const Clock& clock;
    Known& known;
    Waiters& waiters;  // on VMs
    std::function<reconcile::NodeFacts()> node;
  };
  explicit SnapshotWorker(Deps deps) : deps_(std::move(deps)) {}

  Next work(const ObjectKey& key);

 private:
  using Object = Objects<api::VmSnapshot>::Object;

  // From the source by name, when the cache lost it and the engine has it.
  Next left_behind(const ObjectKey& key);
  Next reconcile_one(const ObjectKey& key, const Object& snapshot);
  Next carry_out(const ObjectKey& key, const Object& snapshot,
                 reconcile::SnapshotPlan plan);

  Deps deps_;
};

}  // namespace chrysalis::runtime
