#pragma once

// A world small enough to be searched whole: two VMMs, a redirect, a guard,
// directories. Every action either works, is refused, times out with or
// without its effect, or its VMM dies under it. The rules asked of the real
// world are asked of this one after every single action.

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "src/engine/machine/adopt.h"
#include "src/engine/machine/operation.h"

namespace chrysalis::engine {

enum class Vm : uint8_t {
  kNone,
  kGated,
  kUp,
  kRunning,
  kPaused,
  kEnded,
  kDead
};

struct World {
  Vm current = Vm::kNone, next = Vm::kNone;
  bool redirect_to_next = false;
  bool guard_armed = false, guard_fired = false;
  bool committed = false;
  bool gen_current = false, gen_next = false;
  bool unflushed = false;  // power loss would take what was staged
  bool staging = false, published = false;
  bool removed = false;
  bool current_died = false;  // by itself, not by us
  bool next_died = false;
  bool torn = false;       // the guest ran while it was dumped
  bool ran = false;        // the current one's vCPUs, since it was spawned
  bool never_ran = false;  // its gate closed before it was executed

  auto tie() const {
    return std::tie(current, next, redirect_to_next, guard_armed, guard_fired,
                    committed, gen_current, gen_next, unflushed, staging,
                    published, removed, current_died, next_died, torn, ran,
                    never_ran);
  }
  friend bool operator<(const World& a, const World& b) {
    return a.tie() < b.tie();
  }
  friend bool operator==(const World& a, const World& b) {
    return a.tie() == b.tie();
  }
};

// One way an action can go.
struct Way {
  World world;
  Happened what = Happened::kDone;
  bool fault = false;
};

// Every way that `action` can go in `world`, the good one first.
std::vector<Way> ways(const World& world, const Action& action,
                      const Facts& facts, bool with_faults);

// The agent dies: its gate and its guard close.
World without_agent(World world);
// What the current one's guest may do while no agent looks: nothing, power
// off, or lose its VMM.
std::vector<World> unwatched(const World& world);
// The host goes down and comes back.
World rebooted(World world);
Observed look(const World& world, bool same_boot);

}  // namespace chrysalis::engine
