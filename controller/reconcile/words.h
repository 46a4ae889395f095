#pragma once

// A reason of either list (api/objects/reasons.h, engine/reason.h) as the word
// that status shows. PURE. A view: of a list's own text, or of a string that
// outlives it.

#include <string>
#include <string_view>

#include "controller/api/objects/conditions.h"
#include "controller/api/objects/reasons.h"
#include "src/engine/reason.h"

namespace chrysalis::reconcile {

using api::ConditionType;
using api::StatusReason;

struct Word {
  Word(StatusReason reason) : text(to_string(reason)) {}    // NOLINT
  Word(engine::Reason reason) : text(to_string(reason)) {}  // NOLINT
  Word(const std::string& told) : text(told) {}             // NOLINT
  std::string_view text;
};

}  // namespace chrysalis::reconcile
