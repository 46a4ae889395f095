#include "controller/reconcile/conditions.h"

#include <algorithm>
#include <utility>

namespace chrysalis::reconcile {
namespace {

std::vector<api::Condition> ours(std::vector<api::Condition> all) {
  std::erase_if(all, [](const api::Condition& condition) {
    return !api::parse_condition_type(condition.type);
  });
  return all;
}

}  // namespace

Conditions::Conditions(std::vector<api::Condition> before, uint64_t generation,
                       Wall now)
    : all_(ours(std::move(before))), generation_(generation), now_(now) {}

void Conditions::set(ConditionType type, api::Truth status, Word reason,
                     const std::string& message) {
  kept_.insert(type);
  api::set_condition(all_, type, status, reason.text, message, generation_,
                     now_);
}

std::vector<api::Condition> Conditions::take() {
  std::erase_if(all_, [&](const api::Condition& condition) {
    return !kept_.contains(*api::parse_condition_type(condition.type));
  });
  return std::move(all_);
}

const api::Condition* stalled(const std::vector<api::Condition>& conditions) {
  const auto* found = api::find_condition(conditions, ConditionType::kStalled);
  return found != nullptr && found->status == api::Truth::kTrue ? found
                                                                : nullptr;
}

bool same_conditions(std::vector<api::Condition> a,
                     std::vector<api::Condition> b) {
  a = ours(std::move(a));
  b = ours(std::move(b));
  std::ranges::sort(a, {}, &api::Condition::type);
  std::ranges::sort(b, {}, &api::Condition::type);
  return a == b;
}

}  // namespace chrysalis::reconcile
