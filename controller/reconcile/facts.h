#pragma once

// What the planners are told beside the object itself. PURE: values, made by
// whoever observes. Thread-safety: values; what is shared is const.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "controller/api/objects/vm_snapshot.h"
#include "src/engine/reason.h"
#include "src/engine/view.h"
#include "src/model/values.h"

namespace chrysalis::reconcile {

// A hypervisor of the node, as probed.
struct ProgramFacts {
  model::Hypervisor kind = model::Hypervisor::kCloudHypervisor;
  std::string version;
  engine::Reason no_snapshot = engine::Reason::kNone;  // why it can take none

  friend bool operator==(const ProgramFacts&, const ProgramFacts&) = default;
};

// The agent's own node.
struct NodeFacts {
  std::string name;           // as in status.nodeName
  std::string finalizer;      // that this node puts on its objects
  std::string first_network;  // for specs that name none
  std::vector<ProgramFacts> programs;

  [[nodiscard]] const ProgramFacts* program(model::Hypervisor kind) const {
    for (const ProgramFacts& program : programs)
      if (program.kind == kind) return &program;
    return nullptr;
  }
};

// A VMSnapshot that a VM names.
struct NamedSnapshot {
  std::shared_ptr<const api::VmSnapshot> object;  // null: none of that name
  engine::SnapshotView view;  // of its uid in this node's engine
};

// An event to tell of an object; the executor adds whose.
struct Note {
  bool warning = false;
  std::string reason, action, message;
  friend bool operator==(const Note&, const Note&) = default;
};

}  // namespace chrysalis::reconcile
