// Scripts: this happened, so exactly these actions follow.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/engine/machine/adopt.h"
#include "src/engine/machine/operation.h"

namespace chrysalis::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Event event(Happened what, Reason reason = Reason::kNone) {
  return {what, reason, std::string(to_string(reason))};
}
Event failed(Reason reason) { return event(Happened::kFailed, reason); }

// One line a step, "Step! Do Do@new" (! is an intent), then "= End Reason".
std::vector<std::string> script(Operation op, std::vector<Event> events) {
  std::vector<std::string> out;
  size_t next = 0;
  while (!op.end && out.size() < 50) {
    const Plan now = plan(op);
    std::string line{to_string(op.step)};
    line += now.journal ? "!" : "";
    for (const Action& a : now.actions) {
      line += " ";
      line += to_string(a.what);
      if (a.vmm == Which::kNext) line += "@new";
    }
    out.push_back(line);
    const Event e = next < events.size() ? events[next++] : Event{};
    op = advance(op, e, Mono{});
  }
  std::string end = "= " + std::string(to_string(*op.end));
  if (op.reason != Reason::kNone)
    end += " " + std::string(to_string(op.reason));
  out.push_back(end);
  return out;
}

const Event kFine = event(Happened::kDone);

Facts live() {
  Facts facts;
  facts.alive = true;
  return facts;
}

TEST(BootScript, CostsAtMostFourCommits) {
  Facts facts;
  facts.first = true;
  EXPECT_THAT(script(begin(Kind::kBoot, facts, Mono{}), {}),
              ElementsAre("Preflight Preflight", "Prepare! Stage NetworkUp",
                          "Spawn! Spawn Flush", "Run! OpenGate Boot", "= Ok"));
}

TEST(BootScript, AFailedFirstBootLeavesNothing) {
  Facts facts;
  facts.first = true;
  const auto lines = script(begin(Kind::kBoot, facts, Mono{}),
                            {kFine, kFine, kFine, failed(Reason::kBootFailed)});
  EXPECT_EQ(lines[4], "Undo Kill NetworkDown");
  EXPECT_EQ(lines[5], "Erase! RemoveVm");
  EXPECT_EQ(lines[6], "= Failed BootFailed");
}

TEST(BootScript, AFailedLaterBootKeepsTheDisks) {
  const auto lines = script(begin(Kind::kStart, {}, Mono{}),
                            {kFine, kFine, failed(Reason::kSpawnFailed)});
  EXPECT_EQ(lines[3], "Undo Kill NetworkDown");
}

TEST(StopScript, AsksThenShutsDownThenKills) {
  Facts facts = live();
  facts.can_ask = true;
  facts.grace = seconds{7};
  const Operation op = begin(Kind::kStop, facts, Mono{});
  EXPECT_EQ(plan(op).actions.at(0).deadline, seconds{7});
  const Event late = event(Happened::kTimedOut, Reason::kApiTimeout);
  EXPECT_THAT(script(op, {late, late}),
              ElementsAre("Ask! AskGuest", "ShutDown ShutDown", "Kill Kill",
                          "Release NetworkDown", "= Ok"));
}

TEST(DeleteScript, AsksForItsGraceThenKillsAndRemoves) {
  Facts facts = live();
  facts.can_ask = true;
  facts.grace = seconds{7};
  const Operation op = begin(Kind::kDeleteVm, facts, Mono{});
  EXPECT_EQ(plan(op).actions.at(0).deadline, seconds{7});
  const std::vector<std::string> expected = {
      "Ask! AskGuest", "End Kill Kill@new", "Release NetworkDown",
      "Remove RemoveVm", "= Ok"};
  EXPECT_EQ(script(op, {}), expected);
  EXPECT_EQ(script(op, {event(Happened::kTimedOut, Reason::kApiTimeout)}),
            expected);
  EXPECT_EQ(script(op, {failed(Reason::kApiTimeout)}), expected);
}

TEST(DeleteScript, WhatCannotBeAskedIsKilledAtOnce) {
  EXPECT_THAT(script(begin(Kind::kDeleteVm, live(), Mono{}), {}),
              ElementsAre("Ask!", "End Kill Kill@new", "Release NetworkDown",
                          "Remove RemoveVm", "= Ok"));
}

TEST(SnapshotScript, PausesDumpsThawsThenPublishes) {
  EXPECT_THAT(script(begin(Kind::kSnapshot, live(), Mono{}), {}),
              ElementsAre("Preflight Preflight", "Pause! ArmGuard Pause",
                          "Dump Dump CopyDisks", "Disarm DisarmGuard",
                          "Thaw Resume", "Publish! Inspect Publish", "= Ok"));
}

TEST(SnapshotScript, AFiredGuardThrowsTheDumpAway) {
  const auto lines =
      script(begin(Kind::kSnapshot, live(), Mono{}),
             {kFine, kFine, kFine,
              event(Happened::kGuardFired, Reason::kPauseBudgetExceeded)});
  // It may have fired before the pause arrived: the guest stands still then.
  EXPECT_EQ(lines[4], "Undo DropGuard Resume");
  EXPECT_EQ(lines[5], "Discard DropStaging");
  EXPECT_EQ(lines[6], "= Failed PauseBudgetExceeded");
}

TEST(SnapshotScript, AUserPausedGuestIsNeitherGuardedNorResumed) {
  Facts facts = live();
  facts.user_paused = true;
  const auto lines = script(begin(Kind::kSnapshot, facts, Mono{}),
                            {kFine, kFine, failed(Reason::kSnapshotFailed)});
  for (const auto& line : lines) {
    EXPECT_THAT(line, Not(HasSubstr("Resume")));
    EXPECT_THAT(line, Not(HasSubstr("ArmGuard")));
  }
}

TEST(RestoreScript, KillsTheOldLast) {
  EXPECT_THAT(
      script(begin(Kind::kRestore, live(), Mono{}), {}),
      ElementsAre("Preflight Preflight", "Stage! Stage@new NetworkUp@new",
                  "Spawn! Spawn@new Flush@new",
                  "Load! OpenGate@new Load@new Compare@new",
                  "PauseOld ArmGuard Pause", "Disarm DisarmGuard", "Commit!",
                  "Switch SwitchNetwork@new Resume@new CheckHealthy@new",
                  "Retire Kill NetworkDown RemoveGeneration", "= Ok"));
}

TEST(RestoreScript, AFailedLoadLeavesTheOldAlone) {
  EXPECT_THAT(
      script(begin(Kind::kRestore, live(), Mono{}),
             {kFine, kFine, kFine, failed(Reason::kLoadFailed)}),
      ElementsAre("Preflight Preflight", "Stage! Stage@new NetworkUp@new",
                  "Spawn! Spawn@new Flush@new",
                  "Load! OpenGate@new Load@new Compare@new", "Abort Kill@new",
                  "Revive DropGuard Resume",
                  "DropNew Kill@new NetworkDown@new RemoveGeneration@new",
                  "= RolledBack LoadFailed"));
}

TEST(RestoreScript, AnUnhealthyNewOneIsRolledBack) {
  const auto lines = script(begin(Kind::kRestore, live(), Mono{}),
                            {kFine, kFine, kFine, kFine, kFine, kFine, kFine,
                             failed(Reason::kNotHealthy)});
  EXPECT_EQ(lines[8], "RollBack Kill@new");
  EXPECT_EQ(lines[9], "SwitchBack SwitchNetwork Resume");
  EXPECT_EQ(lines.back(), "= RolledBack NotHealthy");
}

TEST(RestoreScript, AnUnprovenDeathNeverResumesTheOld) {
  const auto lines =
      script(begin(Kind::kRestore, live(), Mono{}),
             {kFine, kFine, kFine, kFine, kFine, kFine, kFine,
              failed(Reason::kNotHealthy),
              event(Happened::kTimedOut, Reason::kVmmUnkillable)});
  EXPECT_EQ(lines[lines.size() - 2], "RollBack Kill@new");
  EXPECT_EQ(lines.back(), "= Failed NotHealthy");
}

TEST(Recovery, ACommittedRestoreGoesOnWithTheNew) {
  const auto at = [](Observed seen) {
    return script(
        recover(Kind::kRestore, RestoreStep::kCommit, {}, seen, Mono{}), {});
  };
  EXPECT_EQ(at({Seen::kPaused, Seen::kPaused}).front(),
            "Switch SwitchNetwork@new Resume@new CheckHealthy@new");
  EXPECT_EQ(at({Seen::kPaused, Seen::kGone}).front(), "RollBack Kill@new");
  EXPECT_EQ(at({Seen::kGone, Seen::kGone, false}).back(),
            "= Replaced HostRebooted");
}

TEST(Recovery, AnUncommittedRestoreIsUndone) {
  const auto lines = script(recover(Kind::kRestore, RestoreStep::kLoad, {},
                                    {Seen::kRunning, Seen::kPaused}, Mono{}),
                            {});
  EXPECT_EQ(lines[0], "Abort Kill@new");
  EXPECT_EQ(lines.back(), "= RolledBack Interrupted");
}

TEST(Recovery, AHalfSnapshotGoesAndTheGuestGoesOn) {
  EXPECT_THAT(script(recover(Kind::kSnapshot, SnapshotStep::kPause, {},
                             {Seen::kPaused, Seen::kGone}, Mono{}),
                     {}),
              ElementsAre("Undo DropGuard Resume", "Discard DropStaging",
                          "= Failed Interrupted"));
}

// From the intent that may have started vCPUs on, only what is proven never to
// have run is undone.
TEST(Recovery, ABootThatCameUpCounts) {
  const auto at = [](Seen seen, model::PowerState power) {
    Facts first;
    first.first = true;
    first.power = power;
    return script(recover(Kind::kBoot, BootStep::kRun, first,
                          {seen, Seen::kGone}, Mono{}),
                  {});
  };
  for (const auto power :
       {model::PowerState::kRunning, model::PowerState::kPaused}) {
    for (const Seen seen : {Seen::kGone, Seen::kEnded, Seen::kSilent})
      EXPECT_THAT(at(seen, power), ElementsAre("= Ok")) << to_string(seen);
    for (const Seen seen : {Seen::kUnloaded, Seen::kNeverRan})
      EXPECT_THAT(at(seen, power),
                  ElementsAre("Undo Kill NetworkDown", "Erase! RemoveVm",
                              "= Failed Interrupted"))
          << to_string(seen);
  }
  using P = model::PowerState;
  EXPECT_THAT(at(Seen::kRunning, P::kRunning), ElementsAre("= Ok"));
  EXPECT_THAT(at(Seen::kPaused, P::kPaused), ElementsAre("= Ok"));
  EXPECT_THAT(at(Seen::kRunning, P::kPaused),
              ElementsAre("Reach Pause", "= Ok Interrupted"));
  EXPECT_THAT(at(Seen::kPaused, P::kRunning),
              ElementsAre("Reach Resume", "= Ok Interrupted"));
}

TEST(Recovery, ACloneIsUndoneUntilItMayHaveRun) {
  const auto at = [](CloneStep step, Seen seen) {
    return script(recover(Kind::kClone, step, {}, {seen, Seen::kGone}, Mono{}),
                  {});
  };
  for (const Seen seen : {Seen::kGone, Seen::kPaused, Seen::kSilent})
    EXPECT_EQ(at(CloneStep::kLoad, seen).front(), "Undo Kill NetworkDown");
  for (const Seen seen :
       {Seen::kGone, Seen::kEnded, Seen::kSilent, Seen::kRunning})
    EXPECT_THAT(at(CloneStep::kResume, seen), ElementsAre("= Ok"));
  EXPECT_THAT(at(CloneStep::kResume, Seen::kPaused),
              ElementsAre("Resume! Resume", "= Ok Interrupted"));
}

TEST(Recovery, WhatIsSilentIsLookedAtAgainWhereItMayRun) {
  const Observed silent{Seen::kSilent, Seen::kGone};
  EXPECT_TRUE(undecided(BootStep::kRun, silent));
  EXPECT_TRUE(undecided(CloneStep::kResume, silent));
  EXPECT_FALSE(undecided(BootStep::kRun, {Seen::kRunning, Seen::kGone}));
  EXPECT_FALSE(undecided(CloneStep::kLoad, silent));
  EXPECT_FALSE(undecided(StopStep::kKill, silent));
}

TEST(Recovery, ADeletionCutOffInItsGraceKills) {
  EXPECT_THAT(script(recover(Kind::kDeleteVm, DeleteVmStep::kAsk, live(),
                             {Seen::kRunning, Seen::kGone}, Mono{}),
                     {}),
              ElementsAre("End Kill Kill@new", "Release NetworkDown",
                          "Remove RemoveVm", "= Ok Interrupted"));
}

TEST(Recovery, ARestartCutOffOnItsWayDownGoesDown) {
  EXPECT_THAT(script(recover(Kind::kRestart, BootStep::kAsk, live(),
                             {Seen::kRunning, Seen::kGone}, Mono{}),
                     {}),
              ElementsAre("ShutDown ShutDown", "Release NetworkDown",
                          "= Ok Interrupted"));
}

TEST(Names, AreDistinctAndReadBack) {
  for (uint8_t k = 0; k <= static_cast<uint8_t>(Kind::kReap); ++k)
    for (const Step& step : steps_of(static_cast<Kind>(k)))
      EXPECT_EQ(parse_step(static_cast<Kind>(k), to_string(step)), step);
  EXPECT_EQ(parse_step(Kind::kStop, "Dump"), std::nullopt);
}

}  // namespace
}  // namespace chrysalis::engine
