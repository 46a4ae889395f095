// Clone: a new VM that goes on from a snapshot. A clone that was asked to be
// Stopped is staged only; its first start is this operation again, with its
// files lying ready, because its first start is always the load.
//
//   Preflight --no--> refused
//      v
//    Stage ----> Spawn ----> Load ----> Resume ----> ok
//      |  |        |           |  |        |
//      |  |        |           |  '- asked to be Paused: ok
//      |  '- asked to be Stopped: ok       |
//      '-----------+-----------+-----------+--> Undo --> failed
//                                                 '- not staged: Erase
//
// A clone never ran before the intent of its Resume, so undoing is removing.
// That intent also says that there is nothing to be loaded any more: the saved
// memory would be loaded over a disk that went on.

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {
namespace {

Plan stage(const Facts& facts) {
  if (facts.staged) return {true, {act(Do::kNetworkUp)}};
  Plan plan{true, {act(Do::kStage), act(Do::kNetworkUp)}};
  if (facts.power == model::PowerState::kStopped)
    plan.actions.push_back(act(Do::kFlush));
  return plan;
}

Plan load(const Facts& facts) {
  Plan plan{true, {act(Do::kOpenGate), act(Do::kLoad), act(Do::kCompare)}};
  if (facts.swap_nics) plan.actions.push_back(act(Do::kSwapNics));
  return plan;
}

// The files of a staged clone stay.
Move undone(const Facts& facts, Happened what) {
  if (!done(what)) return {End::kFailed, true, true};
  return facts.staged ? failed() : undo(CloneStep::kErase);
}

}  // namespace

Plan plan(CloneStep step, const Facts& facts) {
  switch (step) {
    case CloneStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case CloneStep::kStage:
      return stage(facts);
    case CloneStep::kSpawn:
      return {true, {act(Do::kSpawn), act(Do::kFlush)}};
    case CloneStep::kLoad:
      return load(facts);
    case CloneStep::kResume:
      return {true, {act(Do::kResume)}};
    case CloneStep::kUndo:
      return {false, {act(Do::kKill), act(Do::kNetworkDown)}};
    case CloneStep::kErase:
      return {true, {act(Do::kRemoveVm)}};
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
      if (!done(what)) return undo(CloneStep::kUndo);
      return facts.power == model::PowerState::kRunning ? go(CloneStep::kResume)
                                                        : ok();
    case CloneStep::kResume:
      if (what == Happened::kNotJournalled) return undo(CloneStep::kUndo);
      return ran(done(what) ? ok() : undo(CloneStep::kUndo));
    case CloneStep::kUndo:
      return undone(facts, what);
    case CloneStep::kErase:
      return {End::kFailed, true, !done(what)};
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
