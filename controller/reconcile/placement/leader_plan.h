#pragma once

// What the one controller does with an object: place it while it has no node,
// say once that its node is lost, and let it go when that node is gone for
// good. Everything else is the agent's. PURE.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "controller/reconcile/facts.h"
#include "controller/reconcile/placement/placement.h"

namespace chrysalis::reconcile {

template <class Status>
struct LeaderPlan {
  std::optional<std::string> remove_finalizer;
  std::optional<Status> status;  // whole; nothing: it stands already
  std::vector<Note> events;
};

// The finalizer of a node, as its agent writes it.
using FinalizerOf = std::function<std::string(const std::string& node)>;

struct Fleet {
  std::vector<Agent> agents;
  std::vector<Load> loads;
  FinalizerOf finalizer_of;
};

// Nobody answers for the node, for now or for good.
bool is_lost(const Fleet& fleet, const std::string& node);

// `snapshot`: of the clone source's name, null when there is none.
LeaderPlan<api::VmStatus> plan(
    const api::VirtualMachine& vm,
    const std::shared_ptr<const api::VmSnapshot>& snapshot, const Fleet& fleet,
    Wall now);

// `source`: the VM of the source's name, null when there is none.
LeaderPlan<api::SnapshotStatus> plan(
    const api::VmSnapshot& snapshot,
    const std::shared_ptr<const api::VirtualMachine>& source,
    const Fleet& fleet, Wall now);

}  // namespace chrysalis::reconcile
