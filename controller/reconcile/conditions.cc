#include "controller/reconcile/conditions.h"

#include <algorithm>
#include <utility>

#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {

void Conditions::set(std::string_view type, api::Truth status,
                     std::string_view reason, std::string message) {
  api::Condition condition{std::string(type),  status,      std::string(reason),
                           std::move(message), generation_, now_};
  const auto* before = api::find_condition(before_, type);
  if (before != nullptr && before->status == status)
    condition.last_transition = before->last_transition;
  put(std::move(condition));
}

void Conditions::keep(const api::Condition& as_it_is) { put(as_it_is); }

void Conditions::put(api::Condition condition) {
  const auto at =
      std::ranges::lower_bound(set_, condition.type, {}, &api::Condition::type);
  if (at != set_.end() && at->type == condition.type)
    *at = std::move(condition);
  else
    set_.insert(at, std::move(condition));
}

std::vector<api::Condition> Conditions::take() { return std::move(set_); }

const api::Condition* stalled(const std::vector<api::Condition>& conditions) {
  const auto* found = api::find_condition(conditions, condition::kStalled);
  return found != nullptr && found->status == api::Truth::kTrue ? found
                                                                : nullptr;
}

bool same_conditions(std::vector<api::Condition> a,
                     std::vector<api::Condition> b) {
  std::ranges::sort(a, {}, &api::Condition::type);
  std::ranges::sort(b, {}, &api::Condition::type);
  return a == b;
}

}  // namespace chrysalis::reconcile
