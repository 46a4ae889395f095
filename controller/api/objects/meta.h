#pragma once

// What both kinds have beside spec and status: the metadata that this program
// uses, and conditions. Values. PURE.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/enums.h"
#include "src/base/clock.h"

namespace chrysalis::api {

struct Meta {
  std::string ns, name, uid;
  uint64_t generation = 0;
  std::string resource_version;  // opaque; "" of an object never stored
  std::optional<Wall> created_at;
  std::optional<Wall> deleted_at;  // deletion was asked for
  std::vector<std::string> finalizers;

  [[nodiscard]] bool has_finalizer(std::string_view name_of) const {
    return std::ranges::find(finalizers, name_of) != finalizers.end();
  }
  friend bool operator==(const Meta&, const Meta&) = default;
};

// One of status.conditions; at most one of a type.
struct Condition {
  std::string type;  // conditions.h has the list
  Truth status = Truth::kUnknown;
  std::string reason;  // reasons.h has the list
  std::string message;
  uint64_t observed_generation = 0;
  Wall last_transition{};

  friend bool operator==(const Condition&, const Condition&) = default;
};

inline const Condition* find_condition(const std::vector<Condition>& all,
                                       std::string_view type) {
  const auto found = std::ranges::find(all, type, &Condition::type);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace chrysalis::api
