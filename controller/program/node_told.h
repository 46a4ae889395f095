#pragma once

// What a node tells of itself: to its planners, and to placement by its lease.
// The programs are those of the start. Thread-safety: every call from any
// thread. Ownership: borrows the node.

#include <atomic>
#include <string>
#include <vector>

#include "controller/api/objects/agent_facts.h"
#include "controller/reconcile/facts.h"
#include "src/engine/hands/node.h"

namespace chrysalis::program {

class NodeTold {
 public:
  NodeTold(engine::Node& node, std::string name);

  [[nodiscard]] reconcile::NodeFacts to_planners() const;
  [[nodiscard]] api::Annotations to_placement() const;

 private:
  engine::Node& node_;
  const std::string name_, finalizer_;
  const std::vector<engine::NodeProgram> programs_;
  mutable std::atomic<bool> warned_ = false;  // of the first network, once
};

}  // namespace chrysalis::program
