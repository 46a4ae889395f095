#include "controller/reconcile/vm/attempts.h"

#include <algorithm>

namespace chrysalis::reconcile {
namespace {

bool finished(const store::LastRestore& restore) {
  switch (restore.result) {
    case store::RestoreResult::kSucceeded:
    case store::RestoreResult::kRolledBack:
    case store::RestoreResult::kFailed:
      return true;
    case store::RestoreResult::kInProgress:
    case store::RestoreResult::kRefused:
      return false;
  }
  return false;
}

}  // namespace

RestoreTurn restore_turn(const std::optional<api::RestoreSpec>& asked,
                         const store::VmRecord* record) {
  if (!asked) return RestoreTurn::kNotAsked;
  if (record == nullptr || !record->first_booted) return RestoreTurn::kNewVm;
  if (asked->attempt > record->restore_attempt_done) return RestoreTurn::kDue;
  const auto& last = record->restore;
  if (last && finished(*last) && last->attempt == asked->attempt &&
      last->snapshot == asked->snapshot)
    return RestoreTurn::kFinished;
  return RestoreTurn::kUsed;
}

std::string attempt_used(uint64_t asked, uint64_t highest_done) {
  return "attempt " + std::to_string(asked) + " was used; ask for attempt " +
         std::to_string(highest_done + 1);
}

std::string restore_of_new_vm() {
  return "this VM never ran, so there is nothing to restore; remove "
         "spec.restore, or use spec.source.snapshot";
}

std::string ask_restart(const std::optional<uint64_t>& asked,
                        const store::VmRecord& record) {
  const uint64_t used =
      std::max(asked.value_or(0), record.restart_attempt_done);
  return "set spec.restart.attempt to " + std::to_string(used + 1);
}

bool restart_due(const std::optional<uint64_t>& asked,
                 const store::VmRecord& record) {
  return asked && *asked > record.restart_attempt_done;
}

}  // namespace chrysalis::reconcile
