#pragma once

// What to do when a VMM or its guest ended by itself: the restart policy with
// its back-off. PURE: `now` is given; whoever plans calls it.

#include <cstdint>
#include <optional>

#include "src/base/clock.h"
#include "src/model/values.h"

namespace chrysalis::engine {

inline constexpr seconds kFirstBackOff{10};
inline constexpr seconds kLongestBackOff{300};
inline constexpr seconds kHealthyAfter{600};  // up for so long: begin anew

struct EndedVm {
  Wall at{};
  bool clean = false;  // the guest powered itself off
};

// Of the VM's restarts by policy, kept by the caller.
struct RestartHistory {
  uint32_t in_a_row = 0;           // restarts since it was last healthy
  std::optional<Wall> started_at;  // of the life that ended now
};

enum class OnExit : uint8_t {
  kRestart,    // when `at` has come
  kSucceeded,  // ended for good, as it should
  kFailed,     // ended for good, as it should not
};

struct ExitVerdict {
  OnExit what = OnExit::kFailed;
  Wall at{};              // kRestart: not before
  uint32_t in_a_row = 0;  // kRestart: the history from then on
  bool due = false;       // kRestart: `at` has come
};

// Back-off: 10 s, 20 s, 40 s ... 5 min; the first again after 10 healthy
// minutes.
ExitVerdict on_exit(model::RestartPolicy policy, const EndedVm& ended,
                    const RestartHistory& history, Wall now);

}  // namespace chrysalis::engine
