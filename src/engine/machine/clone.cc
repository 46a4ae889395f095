// Clone: a new VM that goes on from a snapshot. A clone that was asked to be
// Stopped is staged only; its first start is this operation again, with its
// files lying ready, because its first start is always the load.
//
//   Preflight --no--> refused
//      v
//    Stage ----> Spawn ----> Load ----> ok
//      |  |        |           |
//      |  '- asked to be Stopped: ok
//      '-----------+-----------+--> Undo --> failed
//
// A clone never ran before its Resume, so undoing is removing.

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {
namespace {

Plan stage(const Facts& facts) {
  if (facts.staged) return {true, {act(Do::kNetworkUp)}};
  return {true, {act(Do::kStage), act(Do::kNetworkUp)}};
}

Plan load(const Facts& facts) {
  Plan plan{true, {act(Do::kOpenGate), act(Do::kLoad), act(Do::kCompare)}};
  if (facts.swap_nics) plan.actions.push_back(act(Do::kSwapNics));
  if (facts.power == model::PowerState::kRunning)
    plan.actions.push_back(act(Do::kResume));
  return plan;
}

Plan undo_clone(const Facts& facts) {
  Plan plan{false, {act(Do::kKill), act(Do::kNetworkDown)}};
  if (!facts.staged) plan.actions.push_back(act(Do::kRemoveVm));
  return plan;
}

}  // namespace

Plan plan(CloneStep step, const Facts& facts) {
  switch (step) {
    case CloneStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case CloneStep::kStage:
      return stage(facts);
    case CloneStep::kSpawn:
      return {true, {act(Do::kSpawn)}};
    case CloneStep::kLoad:
      return load(facts);
    case CloneStep::kUndo:
      return undo_clone(facts);
  }
  return {};
}

Move move(CloneStep step, Kind, const Facts& facts, Happened what) {
  switch (step) {
    case CloneStep::kPreflight:
      return done(what) ? go(CloneStep::kStage) : refused();
    case CloneStep::kStage:
      if (what == Happened::kNotJournalled) return failed();
      if (!done(what)) return undo(CloneStep::kUndo);
      if (facts.power == model::PowerState::kStopped) return ok();
      return go(CloneStep::kSpawn);
    case CloneStep::kSpawn:
      return done(what) ? go(CloneStep::kLoad) : undo(CloneStep::kUndo);
    case CloneStep::kLoad:
      return done(what) ? ok() : undo(CloneStep::kUndo);
    case CloneStep::kUndo:
      return {End::kFailed, true, !done(what)};
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
