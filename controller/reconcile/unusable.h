#pragma once

// Why a VMSnapshot that a VM names cannot be loaded, as far as the object
// itself tells: what placement and the agent say alike. PURE.

#include <optional>
#include <string>

#include "controller/api/objects/vm_snapshot.h"
#include "controller/reconcile/hindrance.h"

namespace chrysalis::reconcile {

// It has failed (stalls: it is never taken again) or is being deleted.
// Nothing: it may become ready, or is.
std::optional<Hindrance> unusable(const std::string& name,
                                  const api::VmSnapshot& snapshot);

Hindrance not_ready_yet(const std::string& name);
Hindrance no_such_snapshot(const std::string& name);

}  // namespace chrysalis::reconcile
