#include "controller/runtime/directory/refusal_status.h"

#include <utility>

#include "controller/api/objects/conditions.h"
#include "controller/api/objects/reasons.h"

namespace chrysalis::runtime::directory {

void say_refused(std::vector<api::Condition>& conditions,
                 const Refusal& refusal, uint64_t generation, Wall since) {
  using api::ConditionType;
  const auto reason = api::to_string(api::StatusReason::kInvalidSpec);
  std::string message =
      to_string(Said{refusal.file, refusal.line, refusal.message});
  api::remove_condition(conditions, ConditionType::kReconciling);
  if (generation == 0)
    api::set_condition(conditions, ConditionType::kReady, api::Truth::kFalse,
                       reason, message, generation, since);
  else
    message += "; what was accepted before goes on";
  api::set_condition(conditions, ConditionType::kStalled, api::Truth::kTrue,
                     reason, std::move(message), generation, since);
}

void unsay_refused(std::vector<api::Condition>& conditions) {
  const auto* stalled =
      api::find_condition(conditions, api::ConditionType::kStalled);
  if (stalled != nullptr &&
      stalled->reason == api::to_string(api::StatusReason::kInvalidSpec))
    api::remove_condition(conditions, api::ConditionType::kStalled);
}

std::string removed_note(const ObjectId& id) {
  const auto names = api::names_of(id.kind);
  const bool is_vm = id.kind == api::Kind::kVirtualMachine;
  return std::string("Its manifest was removed: ") +
         (is_vm ? "it is stopped, " : "it is kept, ") +
         "and its data stays until `chrysalis delete " +
         std::string(names.singular) + "/" + id.name + " -n " + id.ns + "`.";
}

}  // namespace chrysalis::runtime::directory
