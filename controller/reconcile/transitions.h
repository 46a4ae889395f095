#pragma once

// What people are told when a condition turns: one note a condition. PURE.

#include <optional>
#include <string_view>
#include <vector>

#include "controller/api/objects/meta.h"
#include "controller/reconcile/facts.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {

// Nothing: status and reason are as before, or the condition is gone.
std::optional<Note> transition(const std::vector<api::Condition>& before,
                               const std::vector<api::Condition>& after,
                               ConditionType type, std::string_view action);

}  // namespace chrysalis::reconcile
