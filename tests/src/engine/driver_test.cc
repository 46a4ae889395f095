#include "src/engine/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace chrysalis::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Writes one line for every action, commit and row: the order is the test.
struct Tape : Hands, Journal {
  tl::expected<Job, Event> prepare(const std::string&, uint64_t,
                                   const Request&) override {
    return Job{};
  }
  Job prepare_reap(const std::string&, uint64_t) override { return {}; }
  Observed adopt(const std::string&, Job*) override { return {}; }
  Look look(const std::string&) override { return {}; }
  void forget(const std::string&) override {}
  Result<> take_hold(const std::string&) override { return {}; }
  Event perform(Job& job, const Action& action) override {
    lines.push_back(std::string(to_string(action.what)));
    if (action.what == Do::kSpawn)
      job.outcomes.emplace_back(store::ProcessRow{});
    if (action.what == fails)
      return {Happened::kFailed, Reason::kBootFailed, "no"};
    return {};
  }
  std::vector<store::Mutation> settle(const Job& job) override {
    if (job.op.end != End::kOk) return {};
    return {job.after};
  }
  Result<> commit(std::vector<store::Mutation> rows) override {
    if (--commits_left < 0) return fail(Code::kUnavailable, "disk full");
    std::string line = "commit";
    for (const auto& row : rows) {
      if (const auto* o = std::get_if<store::OperationRow>(&row)) {
        line += " " + o->step;
        if (o->state != store::OperationState::kRunning)
          line += "=" + o->reason;
        last = *o;
      } else if (std::holds_alternative<store::ProcessRow>(row)) {
        line += " process";
      } else if (std::holds_alternative<store::VmRecord>(row)) {
        line += " record";
      }
    }
    lines.push_back(line);
    return {};
  }
  std::vector<std::string> lines;
  std::optional<Do> fails;
  int commits_left = 100;
  store::OperationRow last;
};

Job a_boot() {
  Job job;
  job.uid = "u1";
  job.seq = 7;
  Facts facts;
  facts.first = true;
  job.op = begin(Kind::kBoot, facts, Mono{});
  return job;
}

struct DriverTest : ::testing::Test {
  FakeClock clock;
  Tape tape;
  Driver driver{tape, tape, clock, {}, {}};
};

TEST_F(DriverTest, ABootIsFourCommitsAndPidsAreDurableBeforeTheGateOpens) {
  Job job = a_boot();
  const auto outcome = driver.drive(job);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->ok);
  EXPECT_THAT(tape.lines, ElementsAre("Preflight", "commit Prepare", "Stage",
                                      "NetworkUp", "commit Spawn", "Spawn",
                                      "Flush", "commit process Run", "OpenGate",
                                      "Boot", "commit Run=None record"));
}

TEST_F(DriverTest, ARefusalCommitsNothing) {
  tape.fails = Do::kPreflight;
  Job job = a_boot();
  const auto outcome = driver.drive(job);
  EXPECT_TRUE(outcome->refused);
  EXPECT_EQ(outcome->reason, Reason::kBootFailed);
  EXPECT_THAT(tape.lines, ElementsAre("Preflight"));
}

TEST_F(DriverTest, NoEffectFollowsAnIntentThatIsNotDurable) {
  tape.commits_left = 1;
  Job job = a_boot();
  const auto outcome = driver.drive(job);
  EXPECT_FALSE(outcome->ok);
  EXPECT_EQ(outcome->reason, Reason::kDatabaseFailed);
  EXPECT_THAT(tape.lines, ::testing::Not(::testing::Contains("Spawn")));
  EXPECT_THAT(tape.lines, ::testing::Contains("Kill"));
}

TEST_F(DriverTest, AnEndThatIsNotDurableIsNotOk) {
  tape.commits_left = 3;
  Job job = a_boot();
  const auto outcome = driver.drive(job);
  EXPECT_FALSE(outcome->ok);
  EXPECT_EQ(outcome->reason, Reason::kDatabaseFailed);
  // What is to be committed before anything else says how it ended.
  ASSERT_FALSE(job.outcomes.empty());
  const auto* row = std::get_if<store::OperationRow>(&job.outcomes.front());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->state, store::OperationState::kSucceeded);
  EXPECT_TRUE(std::holds_alternative<store::VmRecord>(job.outcomes.back()));
}

TEST_F(DriverTest, AFailureIsUndoneAndRecorded) {
  tape.fails = Do::kBoot;
  Job job = a_boot();
  const auto outcome = driver.drive(job);
  EXPECT_EQ(outcome->message, "no");
  EXPECT_THAT(tape.lines.back(), HasSubstr("Erase=BootFailed"));
}

TEST_F(DriverTest, DeathAtAFailpointStopsEverything) {
  for (const Failpoint& point : failpoints()) {
    if (point.kind != Kind::kBoot) continue;
    Tape dying;
    bool dead = false;
    const Driver mortal{dying,
                        dying,
                        clock,
                        [&](const Failpoint& at) {
                          EXPECT_FALSE(dead) << "after death";
                          dead = name_of(at) == name_of(point);
                          return dead ? Struck::kDeath : Struck::kNot;
                        },
                        {}};
    Job job = a_boot();
    const bool ended = mortal.drive(job).has_value();
    EXPECT_EQ(ended, !dead) << name_of(point);
  }
}

TEST_F(DriverTest, TheJournalRowHoldsWhatRecoveryNeeds) {
  Job job = a_boot();
  job.attempt = 3;
  job.snapshot_uid = "s1";
  job.boot_id = "b1";
  job.restart_attempt = 4;
  job.pause = milliseconds{42};
  job.after.generation = 2;
  job.op.facts.power = model::PowerState::kPaused;
  job.op.facts.user_paused = true;
  ASSERT_TRUE(driver.drive(job));
  Job found;
  ASSERT_TRUE(decode_detail(tape.last.detail_json, found));
  EXPECT_EQ(found.op.facts, job.op.facts);
  EXPECT_EQ(found.attempt, 3u);
  EXPECT_EQ(found.snapshot_uid, "s1");
  EXPECT_EQ(found.boot_id, "b1");
  EXPECT_EQ(found.restart_attempt, 4u);
  EXPECT_EQ(found.pause, milliseconds{42});
  EXPECT_EQ(found.after.generation, 2u);
  for (const char* bad : {"", "[]", "{}", "{\"power\":1}", "{"})
    EXPECT_EQ(decode_detail(bad, found).error().code, Code::kCorrupt) << bad;
}

TEST(JobRow, ARestoreIsToldAsItIsRecorded) {
  Job job;
  job.op.kind = Kind::kRestore;
  for (const End end : {End::kOk, End::kRefused, End::kFailed, End::kRolledBack,
                        End::kReplaced}) {
    job.op.end = end;
    EXPECT_EQ(outcome_of(job, {}).restore, restore_result(end));
  }
  EXPECT_EQ(restore_result(End::kReplaced), store::RestoreResult::kSucceeded);
}

TEST(JobRow, KindsRoundTrip) {
  for (uint8_t k = 0; k < static_cast<uint8_t>(Kind::kReap); ++k) {
    const auto kind = static_cast<Kind>(k);
    EXPECT_EQ(kind_of_row(row_kind(kind)), kind);
  }
}

}  // namespace
}  // namespace chrysalis::engine
