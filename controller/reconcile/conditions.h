#pragma once

// The conditions of one status, made anew from what is true now: a condition
// keeps its time while its status stays, one that is not set goes. Those of
// others are left out: they are their managers', and an apply that names them
// would make us their owner too. PURE.

#include <set>
#include <string>
#include <vector>

#include "controller/api/objects/meta.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {

inline Wall whole_seconds(Wall time) {
  return std::chrono::floor<seconds>(time);
}

class Conditions {
 public:
  Conditions(std::vector<api::Condition> before, uint64_t generation, Wall now);

  void set(ConditionType type, api::Truth status, Word reason,
           const std::string& message = {});
  void keep(ConditionType type) { kept_.insert(type); }
  [[nodiscard]] std::vector<api::Condition> take();

 private:
  std::vector<api::Condition> all_;
  std::set<ConditionType> kept_;
  uint64_t generation_;
  Wall now_;
};

// The reason why it is stalled; nothing: it is not.
const api::Condition* stalled(const std::vector<api::Condition>& conditions);

// Of ours; their order says nothing.
bool same_conditions(std::vector<api::Condition> a,
                     std::vector<api::Condition> b);

}  // namespace chrysalis::reconcile
