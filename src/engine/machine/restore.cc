// Restore in place, two-phase: the old VMM is killed last, not first.
//
//   Preflight --no--> refused (no attempt is used)
//      v
//    Stage -> Spawn -> Load -> PauseOld -> Disarm -> Commit ==> Switch ->
//    Retire
//      |        |       |         |          |         |          |         |
//      '--------+-------+---------+----------+---------'          v         v
//                       v                                     RollBack     ok
//                     Abort (the new goes)       (the new goes, proven)
//                       v                                         v
//                     Revive (the old goes on)   (and back) SwitchBack
//                       v                                         |
//                     DropNew <-----------------------------------'
//                       v
//                  rolled back
//
// The commit is a step of its own, an intent and nothing else: a successor
// that finds it enters Switch, which cannot fall back to before it.
// Before the commit the new VMM was never resumed, so the old may go on
// whatever became of the new. After it the new may have run: the old goes on
// only when the new is proven dead, else both would run.
// A target that its user paused stays paused, on both sides.
// A target that had ended by itself has no old VMM: load -> commit.

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {
namespace {

constexpr Which kOld = Which::kCurrent;
constexpr Which kNew = Which::kNext;

// Whether we stop and start the old VMM's vCPUs at all.
bool drives_old(const Facts& facts) {
  return facts.alive && !facts.user_paused;
}

Plan load(const Facts& facts) {
  Plan plan{true,
            {act(Do::kOpenGate, kNew), act(Do::kLoad, kNew),
             act(Do::kCompare, kNew)}};
  if (facts.swap_nics) plan.actions.push_back(act(Do::kSwapNics, kNew));
  return plan;
}

Plan switch_over(const Facts& facts) {
  Plan plan{false, {act(Do::kSwitchNetwork, kNew)}};
  if (!facts.user_paused) plan.actions.push_back(act(Do::kResume, kNew));
  plan.actions.push_back(act(Do::kCheckHealthy, kNew));
  return plan;
}

Plan switch_back(const Facts& facts) {
  Plan plan{false, {act(Do::kSwitchNetwork, kOld)}};
  if (drives_old(facts)) plan.actions.push_back(act(Do::kResume, kOld));
  return plan;
}

}  // namespace

Plan plan(RestoreStep step, const Facts& facts) {
  switch (step) {
    case RestoreStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case RestoreStep::kStage:
      return {true, {act(Do::kStage, kNew), act(Do::kNetworkUp, kNew)}};
    case RestoreStep::kSpawn:
      return {true, {act(Do::kSpawn, kNew), act(Do::kFlush, kNew)}};
    case RestoreStep::kLoad:
      return load(facts);
    case RestoreStep::kPauseOld:
      if (!drives_old(facts)) return {};
      return {false, {act(Do::kArmGuard, kOld), act(Do::kPause, kOld)}};
    case RestoreStep::kDisarm:
      if (!drives_old(facts)) return {};
      return {false, {act(Do::kDisarmGuard, kOld)}};
    case RestoreStep::kCommit:
      return {true, {}};
    case RestoreStep::kSwitch:
      return switch_over(facts);
    case RestoreStep::kRetire:
      return {false,
              {act(Do::kKill, kOld), act(Do::kNetworkDown, kOld),
               act(Do::kRemoveGeneration, kOld)}};
    case RestoreStep::kAbort:
      return {false, {act(Do::kKill, kNew)}};
    case RestoreStep::kRevive:
      if (!drives_old(facts)) return {};
      return {false, {act(Do::kDropGuard, kOld), act(Do::kResume, kOld)}};
    case RestoreStep::kRollBack:
      return {false, {act(Do::kKill, kNew)}};
    case RestoreStep::kSwitchBack:
      return switch_back(facts);
    case RestoreStep::kDropNew:
      // Kill again: where Abort could not prove it, nothing may be removed.
      return {false,
              {act(Do::kKill, kNew), act(Do::kNetworkDown, kNew),
               act(Do::kRemoveGeneration, kNew)}};
  }
  return {};
}

Move move(RestoreStep step, Kind, const Facts&, Happened what) {
  const auto or_abort = [&](RestoreStep next) {
    return done(what) ? go(next) : undo(RestoreStep::kAbort);
  };
  switch (step) {
    case RestoreStep::kPreflight:
      return done(what) ? go(RestoreStep::kStage) : refused();
    case RestoreStep::kStage:
      return or_abort(RestoreStep::kSpawn);
    case RestoreStep::kSpawn:
      return or_abort(RestoreStep::kLoad);
    case RestoreStep::kLoad:
      return or_abort(RestoreStep::kPauseOld);
    case RestoreStep::kPauseOld:
      return or_abort(RestoreStep::kDisarm);
    case RestoreStep::kDisarm:
      return or_abort(RestoreStep::kCommit);
    case RestoreStep::kCommit:
      return or_abort(RestoreStep::kSwitch);
    case RestoreStep::kSwitch:
      return done(what) ? go(RestoreStep::kRetire)
                        : undo(RestoreStep::kRollBack);
    case RestoreStep::kRetire:
      return ok();  // what stays behind is listed by doctor; the VM is right
    case RestoreStep::kAbort:
      return undo(RestoreStep::kRevive);
    case RestoreStep::kRevive:
    case RestoreStep::kSwitchBack:
      return {RestoreStep::kDropNew, true, !done(what)};
    case RestoreStep::kRollBack:
      return done(what) ? undo(RestoreStep::kSwitchBack) : failed();
    case RestoreStep::kDropNew:
      return {End::kRolledBack, true};
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
