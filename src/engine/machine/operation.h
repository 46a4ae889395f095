#pragma once

// An operation on one VM or snapshot, as data; and `step`, which moves it.
//
//   begin() --> Operation{step} --plan()--> {journal?, actions}
//                    ^                            |  executor performs them
//                    '------- advance() <---------'  one Happened a step
//                                 |
//                                 v  Operation{end}
//
// Every step has one list of actions, which ends in one Happened: all done,
// one failed, a deadline passed, the guard fired, or the intent could not be
// journalled. Each of these leads on, in every step (tests walk the whole
// product), and no path is endless. PURE: no I/O, no clock, no log.
// Thread-safety: values.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/clock.h"
#include "src/engine/machine/action.h"
#include "src/engine/machine/steps.h"
#include "src/engine/reason.h"
#include "src/model/values.h"

namespace chrysalis::engine {

// What a step depends on. Known before the first step and kept in the
// journal, so that a successor decides the same.
struct Facts {
  model::PowerState power = model::PowerState::kRunning;  // to reach
  bool user_paused = false;  // the VM is paused because its user wants it so
  bool alive = false;        // a VMM of the current generation exists
  bool first = false;        // nothing was here before: undoing removes all
  bool staged = false;       // a clone whose files lie ready
  bool swap_nics = false;    // the VMM gets fresh NICs after the load
  bool can_ask = false;      // the guest runs and may be asked to stop
  bool retain = false;       // a snapshot's files move to the import root
  milliseconds grace{0};
  friend bool operator==(const Facts&, const Facts&) = default;
};

enum class Happened : uint8_t {
  kDone,           // every action of the step
  kFailed,         // an action answered no; those after it were not tried
  kTimedOut,       // a deadline passed: the effect is unknown
  kGuardFired,     // the guest was paused too long and goes on by itself
  kNotJournalled,  // the intent was not made durable: no action was tried
};
inline constexpr Happened kAllHappened[] = {
    Happened::kDone, Happened::kFailed, Happened::kTimedOut,
    Happened::kGuardFired, Happened::kNotJournalled};
std::string_view to_string(Happened what);

struct Event {
  Happened what = Happened::kDone;
  Reason reason = Reason::kNone;  // kNone only with kDone
  std::string message;
};

enum class End : uint8_t {
  kOk,
  kRefused,     // nothing was touched
  kFailed,      // undone as far as possible; what is there is as recorded
  kRolledBack,  // a restore: the target is as it was
  kReplaced,    // a restore whose VMMs a reboot took after its commit: the
                // new generation counts and is to be booted
};
std::string_view to_string(End end);

struct Operation {
  Kind kind = Kind::kBoot;
  Facts facts;
  Step step;
  std::optional<End> end;  // set: it is over
  // The first thing that went wrong. kInterrupted: we ended in the middle.
  Reason reason = Reason::kNone;
  std::string message;
  bool worse = false;  // undoing failed too
  bool ran = false;    // its vCPUs may have run: its disk counts
  Mono since{};        // when the step was entered
};

// What to do now. journal: commit the intent of this step, with every outcome
// gathered so far, before its first action.
struct Plan {
  bool journal = false;
  std::vector<Action> actions;
};

// A boot that failed with its guest up: it is not as asked, and stays.
bool is_up(const Operation& operation);

// It failed, and what it made could not all be undone: its row in the journal
// stays as of one that runs, so that it is undone before anything follows.
bool unfinished(const Operation& operation);

Operation begin(Kind kind, const Facts& facts, Mono now);
Plan plan(const Operation& operation);

// REQUIRES: !operation.end.
Operation advance(Operation operation, const Event& event, Mono now);

}  // namespace chrysalis::engine
