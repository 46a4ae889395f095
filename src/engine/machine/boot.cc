// Boot (from an image), Start (a later cold boot), Restart (stop, then start).
//
//   Preflight --no--> refused
//      |  Restart of a live VM: Ask -> ShutDown -> Kill, as in stop.cc
//      v
//   Prepare ----> Spawn ----> Run ----> ok
//      |  |         |          |
//      |  '- asked to be Stopped: made and recorded, ok
//      '------------+----------+--> Undo --> failed
//                                    '- a first boot: Erase --> failed
//   (after our death: Reach --> ok | failed)
//
// What a first boot made is erased by an intent of its own: a successor that
// finds Run and no VMM finds a guest that ran and ended, with all its files.
// At most four commits: Prepare, Spawn, Run (with the pids, before the gate
// opens), and the end.

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {
namespace {

// A VMM is made while files become durable; before the intent that lets it
// run, they are.
Plan prepare(const Facts& facts) {
  Plan plan{true, {act(Do::kStage), act(Do::kNetworkUp)}};
  if (facts.power == model::PowerState::kStopped)
    plan.actions.push_back(act(Do::kFlush));
  return plan;
}

Plan run(const Facts& facts) {
  Plan plan{true, {act(Do::kOpenGate), act(Do::kBoot)}};
  if (facts.power == model::PowerState::kPaused)
    plan.actions.push_back(act(Do::kPause));
  return plan;
}

Plan reach(const Facts& facts) {
  const bool paused = facts.power == model::PowerState::kPaused;
  return {false, {act(paused ? Do::kPause : Do::kResume)}};
}

// What a first boot made goes altogether; a later one keeps its disks.
Move undone(const Facts& facts, Happened what) {
  if (!done(what)) return {End::kFailed, true, true};
  return facts.first ? undo(BootStep::kErase) : failed();
}

}  // namespace

Plan plan(BootStep step, const Facts& facts) {
  switch (step) {
    case BootStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case BootStep::kAsk:
      return {true, {act(Do::kAskGuest, Which::kCurrent, facts.grace)}};
    case BootStep::kShutDown:
      return {!facts.can_ask, {act(Do::kShutDown)}};
    case BootStep::kKill:
      return {false, {act(Do::kKill)}};
    case BootStep::kPrepare:
      return prepare(facts);
    case BootStep::kSpawn:
      return {true, {act(Do::kSpawn), act(Do::kFlush)}};
    case BootStep::kRun:
      return run(facts);
    case BootStep::kReach:
      return reach(facts);
    case BootStep::kUndo:
      return {false, {act(Do::kKill), act(Do::kNetworkDown)}};
    case BootStep::kErase:
      return {true, {act(Do::kRemoveVm)}};
  }
  return {};
}

Move move(BootStep step, Kind kind, const Facts& facts, Happened what) {
  switch (step) {
    case BootStep::kPreflight:
      if (!done(what)) return refused();
      if (kind != Kind::kRestart || !facts.alive) return go(BootStep::kPrepare);
      return go(facts.can_ask ? BootStep::kAsk : BootStep::kShutDown);
    case BootStep::kAsk:
      if (what == Happened::kNotJournalled) return failed();
      return go(BootStep::kShutDown);
    case BootStep::kShutDown:
      if (what == Happened::kNotJournalled) return failed();
      return go(done(what) ? BootStep::kPrepare : BootStep::kKill);
    case BootStep::kKill:
      return done(what) ? go(BootStep::kPrepare) : failed();
    case BootStep::kPrepare:
      // Nothing was made where the intent did not become durable.
      if (what == Happened::kNotJournalled) return failed();
      if (!done(what)) return undo(BootStep::kUndo);
      if (facts.power == model::PowerState::kStopped) return ok();
      return go(BootStep::kSpawn);
    case BootStep::kSpawn:
      return done(what) ? go(BootStep::kRun) : undo(BootStep::kUndo);
    case BootStep::kRun:
      if (what == Happened::kNotJournalled) return undo(BootStep::kUndo);
      return ran(done(what) ? ok() : undo(BootStep::kUndo));
    case BootStep::kReach:
      return ran(done(what) ? ok() : failed());
    case BootStep::kUndo:
      return undone(facts, what);
    case BootStep::kErase:
      return {End::kFailed, true, !done(what)};
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
