#pragma once

// The last guard: what the law says of an object's spec by itself, whoever let
// it through. The rules and the words are admission's; here is only said what
// they mean for a plan.
// PURE. Total on any object.

#include <optional>

#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "controller/reconcile/hindrance.h"

namespace chrysalis::reconcile {

// Nothing: the spec may be acted on, as far as it alone tells.
std::optional<Hindrance> refused_spec(const api::VirtualMachine& vm);
std::optional<Hindrance> refused_spec(const api::VmSnapshot& snapshot);

}  // namespace chrysalis::reconcile
