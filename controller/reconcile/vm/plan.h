#pragma once

// The agent's plan for one VirtualMachine: one action at most, and what its
// status shall say. The order of thought:
//
//   not ours -> nothing          deletion -> delete, then the finalizer goes
//   finalizer first              choose (choice.h) -> status (status.h)
//
// Carry out: the finalizer, or the request and then the status; then observe
// again. The same facts give the same plan, and a plan that was carried out
// gives nothing more to do (tests apply plans twice).
// PURE. Thread-safety: values; pointers are not kept.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/objects/virtual_machine.h"
#include "controller/reconcile/facts.h"
#include "controller/reconcile/memory.h"
#include "controller/reconcile/ownership.h"
#include "src/engine/request.h"
#include "src/engine/view.h"
#include "src/store/records.h"

namespace chrysalis::reconcile {

struct VmObserved {
  std::shared_ptr<const api::VirtualMachine> vm;  // never null
  engine::VmView view;
  // Of the name that snapshot_needed() told. Nothing: it could not be looked
  // up now, so what depends on it waits.
  std::optional<NamedSnapshot> snapshot;
  NodeFacts node;
  Memory memory;
};

struct VmPlan {
  std::optional<Finalizer> finalizer;      // alone: nothing else is to be done
  std::optional<engine::Request> request;  // to the lane of the VM's uid
  std::optional<api::VmStatus> status;     // whole; nothing: it stands already
  std::vector<Note> asked;                 // told once the request was taken
  std::vector<Note> events;     // told with the status, once it is written
  std::optional<Wall> wake_at;  // plan again then, if not before
  // To be kept when the request was taken or there was none; when the engine
  // did not take it, the former memory stays.
  Memory memory;
};

// The VMSnapshot of the VM's namespace that a plan depends on now, if any.
std::optional<std::string> snapshot_needed(const api::VirtualMachine& vm,
                                           const engine::VmView& view);

VmPlan plan(const VmObserved& observed, Wall now);

}  // namespace chrysalis::reconcile
