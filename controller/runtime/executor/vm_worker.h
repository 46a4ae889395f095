#pragma once

// One VirtualMachine of this node, once: observe, plan, carry out. Also what
// the engine still has under its name though the object is gone.
// Thread-safety: work() from many threads, one a key.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/reconcile/vm/plan.h"
#include "controller/runtime/executor/absence.h"
#include "controller/runtime/executor/known.h"
#include "controller/runtime/executor/next.h"
#include "controller/runtime/object_store.h"
#include "src/engine/engine.h"

namespace chrysalis::runtime {

class VmWorker {
 public:
  struct Deps {
    ObjectStore store;
    engine::Engine& engine;
    const Clock& clock;
    Known& known;
    Waiters& waiters;  // on snapshots
    std::function<reconcile::NodeFacts()> node;
  };
  explicit VmWorker(Deps deps) : deps_(std::move(deps)) {}

  Next work(const ObjectKey& key);

 private:
  using Object = Objects<api::VirtualMachine>::Object;

  Next reconcile_one(const ObjectKey& key, const Object& vm);
  [[nodiscard]] std::optional<reconcile::NamedSnapshot> look_up(
      const ObjectKey& key);
  Next carry_out(const ObjectKey& key, const Object& vm,
                 reconcile::VmPlan plan);

  // The engine has `uid` under this key, and the cache has no such object.
  Next left_behind(const ObjectKey& key, const std::string& uid);
  Next end_orphan(const std::string& uid, const engine::VmView& view,
                  bool with_data);

  Deps deps_;
  Absence absence_;
};

}  // namespace chrysalis::runtime
