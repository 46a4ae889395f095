#pragma once

// Whose an object is, and the finalizer that says so. PURE.

#include <cstdint>
#include <string>

#include "controller/api/objects/meta.h"
#include "controller/reconcile/facts.h"

namespace chrysalis::reconcile {

enum class Finalizer : uint8_t { kAdd, kRemove };

// Whether this node answers for the object: it was placed here, or its status
// was wiped and our finalizer says so.
bool is_ours(const api::Meta& meta, const std::string& placed_on,
             const NodeFacts& node);

}  // namespace chrysalis::reconcile
