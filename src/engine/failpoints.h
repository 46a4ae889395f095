#pragma once

// The one list of places where a test may break or end an operation: before
// and after the intent of a step, after its actions, and before the end is
// made durable. Computed from the steps, so a new step has its failpoints at
// once. In production nobody strikes. PURE: data.

#include <functional>
#include <string>
#include <vector>

#include "src/engine/machine/steps.h"

namespace chrysalis::engine {

enum class Place : uint8_t {
  kIntent,      // the step is decided, nothing is written
  kJournalled,  // its intent is durable, none of its actions was tried
  kActed,       // its actions are over, their outcome is not durable
  kEnd,         // all steps are over, the end is not durable
};
inline constexpr Place kAllPlaces[] = {Place::kIntent, Place::kJournalled,
                                       Place::kActed, Place::kEnd};
std::string_view to_string(Place place);

struct Failpoint {
  Kind kind;
  Step step;
  Place place;
};

std::string name_of(const Failpoint& point);  // "Restore/Load/Journalled"

// All of them, in the order of kinds and steps.
std::vector<Failpoint> failpoints();

enum class Struck : uint8_t {
  kNot,
  kError,  // the step fails here
  kDeath,  // the agent ends here: nothing after this point happens
};
// Called from the lane's thread; it may also block, to delay. Empty: never.
using Strike = std::function<Struck(const Failpoint&)>;

}  // namespace chrysalis::engine
