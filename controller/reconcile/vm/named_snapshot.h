#pragma once

// What a snapshot that a VM names lacks to be loaded here. PURE.

#include <optional>
#include <string>

#include "controller/reconcile/vm/choice.h"

namespace chrysalis::reconcile {

struct SnapshotUse {
  std::string name;
  std::string manifest_digest;  // "": any
  bool on_demand = false;
};

// Nothing: it is here, ready, and the one that was meant. Looks again by
// itself where only time can tell.
std::optional<Hindrance> snapshot_lacks(const VmObserved& observed,
                                        const SnapshotUse& use);

// Whether nobody tells us when it changes: it is not an object of this node.
bool is_out_of_sight(const VmObserved& observed);

// Refusals of an assembled configuration in the engine's words.
Hindrance refused_config(const model::Assembled& assembled,
                         const model::VmConfig& theirs,
                         const model::VmConfig* ours);

}  // namespace chrysalis::reconcile
