#pragma once

// What was chosen for a VMSnapshot, and what its status says. PURE.

#include <optional>
#include <string>

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/hindrance.h"
#include "controller/reconcile/snapshot/plan.h"
#include "controller/reconcile/transitions.h"

namespace chrysalis::reconcile {

struct SnapshotChoice {
  std::optional<engine::Request> request;
  std::string lane;
  std::optional<engine::Kind> doing;  // as Choice::doing
  std::optional<Hindrance> hindrance;
  bool quiet = false;  // nothing new to tell: wait for its end
  std::optional<Wall> wake_at;
  Memory memory;
};

api::SnapshotStatus snapshot_status(const SnapshotObserved& observed,
                                    const SnapshotChoice& choice, Wall now);
api::SnapshotStatus deleting_status(const SnapshotObserved& observed,
                                    const SnapshotChoice& choice, Wall now);

}  // namespace chrysalis::reconcile
