#include "controller/reconcile/transitions.h"

#include <algorithm>
#include <array>

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

// Reasons of a condition that is not True and yet nothing to worry about.
bool is_on_its_way(std::string_view why) {
  constexpr std::array kVerbs = {
      StatusReason::kScheduled,  StatusReason::kStarting,
      StatusReason::kStopping,   StatusReason::kPausing,
      StatusReason::kResuming,   StatusReason::kRestarting,
      StatusReason::kRestoring,  StatusReason::kCapturing,
      StatusReason::kImporting,  StatusReason::kInProgress,
      StatusReason::kNotStarted, StatusReason::kDeleting};
  const auto reason = api::parse_status_reason(why);
  return reason && std::ranges::find(kVerbs, *reason) != kVerbs.end();
}

}  // namespace

std::optional<Note> transition(const std::vector<api::Condition>& before,
                               const std::vector<api::Condition>& after,
                               ConditionType type, std::string_view action) {
  const auto* now = api::find_condition(after, type);
  if (now == nullptr) return std::nullopt;
  const auto* was = api::find_condition(before, type);
  if (was != nullptr && was->status == now->status &&
      was->reason == now->reason)
    return std::nullopt;
  const bool warning =
      now->status != api::Truth::kTrue && !is_on_its_way(now->reason);
  return Note{warning, now->reason, std::string(action), now->message};
}

}  // namespace chrysalis::reconcile
