#include "controller/api/objects/conditions.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace chrysalis::api {
namespace {

// Where a type stands in a status; types of others come last.
size_t rank(std::string_view type) {
  const auto known = parse_condition_type(type);
  return known ? static_cast<size_t>(*known) : std::size(kConditionTypes);
}

}  // namespace

std::string_view to_string(ConditionType type) {
  switch (type) {
    case ConditionType::kReady:
      return "Ready";
    case ConditionType::kReconciling:
      return "Reconciling";
    case ConditionType::kStalled:
      return "Stalled";
    case ConditionType::kRunning:
      return "Running";
    case ConditionType::kFinished:
      return "Finished";
    case ConditionType::kRestartRequired:
      return "RestartRequired";
    case ConditionType::kResourcesInherited:
      return "ResourcesInherited";
    case ConditionType::kRestoreSucceeded:
      return "RestoreSucceeded";
    case ConditionType::kSnapshotSupported:
      return "SnapshotSupported";
    case ConditionType::kGuestNetworkReady:
      return "GuestNetworkReady";
  }
  return "";
}

std::optional<ConditionType> parse_condition_type(std::string_view text) {
  for (const ConditionType type : kConditionTypes)
    if (to_string(type) == text) return type;
  return std::nullopt;
}

void set_condition(std::vector<Condition>& all, ConditionType type,
                   Truth status, std::string_view reason, std::string message,
                   uint64_t generation, Wall now) {
  Condition wanted{std::string(to_string(type)),
                   status,
                   std::string(reason),
                   std::move(message),
                   generation,
                   std::chrono::floor<seconds>(now)};
  const auto found = std::ranges::find(all, wanted.type, &Condition::type);
  if (found == all.end()) {
    const auto later = std::ranges::find_if(all, [&](const Condition& other) {
      return rank(other.type) > rank(wanted.type);
    });
    all.insert(later, std::move(wanted));
    return;
  }
  if (found->status == status) wanted.last_transition = found->last_transition;
  *found = std::move(wanted);
}

void remove_condition(std::vector<Condition>& all, ConditionType type) {
  std::erase_if(
      all, [&](const Condition& one) { return one.type == to_string(type); });
}

}  // namespace chrysalis::api
