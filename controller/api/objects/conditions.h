#pragma once

// The types of status.conditions, and how one is set or taken away. An
// abnormal condition (Reconciling, Stalled, RestartRequired) is there only
// while it is true. PURE. Thread-safety: values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/objects/meta.h"

namespace chrysalis::api {

// In the order in which a status lists them.
enum class ConditionType : uint8_t {
  // Of both kinds.
  kReady,        // it is as you asked
  kReconciling,  // on the way there
  kStalled,      // a human must act
  // Of a VirtualMachine.
  kRunning,             // its vCPUs run
  kFinished,            // it ended for good
  kRestartRequired,     // something of the spec waits for a cold boot
  kResourcesInherited,  // its resources are a snapshot's
  kRestoreSucceeded,    // of the last restore that was asked for
  kSnapshotSupported,   // a snapshot can be taken of it
  kGuestNetworkReady,   // something answered for the guest
};
inline constexpr ConditionType kConditionTypes[] = {
    ConditionType::kReady,
    ConditionType::kReconciling,
    ConditionType::kStalled,
    ConditionType::kRunning,
    ConditionType::kFinished,
    ConditionType::kRestartRequired,
    ConditionType::kResourcesInherited,
    ConditionType::kRestoreSucceeded,
    ConditionType::kSnapshotSupported,
    ConditionType::kGuestNetworkReady};
std::string_view to_string(ConditionType type);  // "Ready"
std::optional<ConditionType> parse_condition_type(std::string_view text);

inline const Condition* find_condition(const std::vector<Condition>& all,
                                       ConditionType type) {
  return find_condition(all, to_string(type));
}

// Sets the one condition of a type, in its place in the order. The time of
// the last transition stays while `status` stays; a new one is `now` in whole
// seconds, as it is written. Types of others stay, last.
// reason: a word of reasons.h.
void set_condition(std::vector<Condition>& all, ConditionType type,
                   Truth status, std::string_view reason, std::string message,
                   uint64_t generation, Wall now);

void remove_condition(std::vector<Condition>& all, ConditionType type);

}  // namespace chrysalis::api
