#include "controller/reconcile/transitions.h"

#include <algorithm>
#include <array>

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/vm_status.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

// Reasons of a condition that is not True and yet nothing to worry about.
bool is_on_its_way(std::string_view why) {
  constexpr std::array kVerbs = {
      reason::kScheduled,  reason::kStarting,   reason::kStopping,
      reason::kPausing,    reason::kResuming,   reason::kRestarting,
      reason::kRestoring,  reason::kCapturing,  reason::kImporting,
      reason::kInProgress, reason::kNotStarted, reason::kDeleting};
  return std::ranges::find(kVerbs, why) != kVerbs.end();
}

}  // namespace

std::optional<Note> transition(const std::vector<api::Condition>& before,
                               const std::vector<api::Condition>& after,
                               std::string_view type, std::string_view action) {
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

std::vector<Note> transitions(const api::VmStatus& before,
                              const api::VmStatus& after) {
  std::vector<Note> notes;
  for (const auto& [type, action] :
       {std::pair{condition::kReady, "Reconcile"},
        std::pair{condition::kRestoreSucceeded, "Restore"}})
    if (auto note =
            transition(before.conditions, after.conditions, type, action))
      notes.push_back(*std::move(note));
  return notes;
}

}  // namespace chrysalis::reconcile
