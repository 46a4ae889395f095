#pragma once

// The conditions of one status, made anew from what is true now: a condition
// keeps its time while its status stays, one that is not set goes. PURE.

#include <string>
#include <string_view>
#include <vector>

#include "controller/api/objects/meta.h"

namespace chrysalis::reconcile {

inline Wall whole_seconds(Wall time) {
  return std::chrono::floor<seconds>(time);
}

class Conditions {
 public:
  Conditions(const std::vector<api::Condition>& before, uint64_t generation,
             Wall now)
      : before_(before), generation_(generation), now_(whole_seconds(now)) {}

  void set(std::string_view type, api::Truth status, std::string_view reason,
           std::string message = {});
  void keep(const api::Condition& as_it_is);
  // Sorted by type.
  [[nodiscard]] std::vector<api::Condition> take();

 private:
  void put(api::Condition condition);

  const std::vector<api::Condition>& before_;
  uint64_t generation_;
  Wall now_;
  std::vector<api::Condition> set_;
};

// The reason why it is stalled; nothing: it is not.
const api::Condition* stalled(const std::vector<api::Condition>& conditions);

bool same_conditions(std::vector<api::Condition> a,
                     std::vector<api::Condition> b);

}  // namespace chrysalis::reconcile
