#pragma once

// The agent's plan for one VMSnapshot: taken once, then kept.
//
//   finalizer -> source found, running, idle? -> capture | import -> ready
//                      '- no: waits                 '- no: again, or stalled
//   deletion -> delete or retain, when no clone holds it -> finalizer goes
//
// PURE. Thread-safety: values; pointers are not kept.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "controller/reconcile/facts.h"
#include "controller/reconcile/memory.h"
#include "controller/reconcile/ownership.h"
#include "src/engine/request.h"
#include "src/engine/view.h"
#include "src/store/records.h"

namespace chrysalis::reconcile {

struct SnapshotObserved {
  std::shared_ptr<const api::VmSnapshot> snapshot;  // never null
  engine::SnapshotView view;
  // The VM of spec.source.virtualMachine: null when there is none of that
  // name on this node.
  std::shared_ptr<const api::VirtualMachine> source;
  // Of lane_to_watch(). Seen before `view`, so that no outcome is missed.
  engine::VmView source_view;
  NodeFacts node;
  Memory memory;
};

struct SnapshotPlan {
  std::optional<Finalizer> finalizer;
  std::optional<engine::Request> request;
  std::string lane;  // whose lane the request goes to: the VM's or our own
  std::optional<api::SnapshotStatus> status;
  std::vector<Note> events;
  std::optional<Wall> wake_at;
  Memory memory;  // as VmPlan's
};

// The VM lane that tells whether a capture is in flight: the one that was
// asked while its outcome is awaited, else the source's. "": none.
std::string lane_to_watch(const Memory& memory,
                          const api::VirtualMachine* source);

SnapshotPlan plan(const SnapshotObserved& observed, Wall now);

bool same_status(const api::SnapshotStatus& a, const api::SnapshotStatus& b);

}  // namespace chrysalis::reconcile
