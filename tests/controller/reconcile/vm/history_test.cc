// The law of attempts over random histories: edits, deaths of the agent, lost
// status, failures. No attempt runs twice, none is silently skipped, and the
// same facts say the same.

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "controller/reconcile/vm/attempts.h"
#include "tests/controller/reconcile/vm/world.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using engine::Reason;
using model::PowerState;

class History {
 public:
  explicit History(uint32_t seed) : random_(seed) {
    w_.boot();
    w_.snapshot = make_snapshot("a", "a-uid", "vm-uid");
  }

  void play(int moves) {
    for (int n = 0; n < moves && !testing::Test::HasFailure(); ++n) {
      move();
      w_.run();
      check();
    }
    come_to_rest();
  }

 private:
  bool one_in(uint32_t n) { return random_() % n == 0; }

  void move() {
    w_.now += milliseconds{random_() % 20'000};
    // Mostly it ends before the next edit, death or loss; not always.
    if (w_.running && !one_in(3)) return end_flight();
    switch (random_() % 9) {
      case 0:
      case 1:
        return ask_restore();
      case 2:
        w_.edit().restart_attempt = 1 + random_() % 6;
        return;
      case 3:
        w_.edit().power = static_cast<PowerState>(random_() % 3);
        return;
      case 4:
        w_.new_agent();
        return;
      case 5:
        w_.lose_status();
        return;
      case 6:
        w_.edit().restore.reset();
        return;
      case 7:
        if (is_up(w_.live) && !w_.running) w_.guest_ends(one_in(2), 1);
        return;
      case 8:
        // The snapshot comes and goes.
        w_.snapshot = one_in(3) ? NamedSnapshot{} : snapshot_now();
        return;
    }
  }

  NamedSnapshot snapshot_now() {
    return make_snapshot(name_, name_ + "-uid",
                         one_in(4) ? "another" : "vm-uid");
  }

  void ask_restore() {
    name_ = one_in(2) ? "a" : "b";
    w_.snapshot = snapshot_now();
    api::RestoreSpec spec;
    spec.snapshot = name_;
    // Mostly up, sometimes a reverted commit.
    spec.attempt = 1 + random_() % (w_.record->restore_attempt_done + 2);
    spec.allow_foreign = one_in(3);
    w_.edit().restore = spec;
  }

  void end_flight() {
    const bool restore = w_.running->kind == Kind::kRestore;
    if (one_in(5)) return w_.new_agent();
    // The agent died before the commit, and its successor undid it: the
    // attempt is not used up.
    if (restore && one_in(5)) return w_.interrupt();
    if (one_in(5)) {
      return w_.fail(
          one_in(2) ? Reason::kInsufficientMemory : Reason::kTopologyMismatch,
          true, "no");
    }
    if (restore) {
      finish(w_.running->attempt);
      if (one_in(3)) return w_.roll_back(Reason::kNotHealthy);
    }
    w_.succeed();
  }

  void finish(uint64_t attempt) {
    EXPECT_TRUE(finished_.insert(attempt).second)
        << "attempt " << attempt << " ran twice";
  }

  // Of every moment at rest.
  void check() {
    EXPECT_FALSE(w_.look().status);
    EXPECT_FALSE(w_.look().request);
    const auto& asked = w_.vm.spec.restore;
    const auto turn = restore_turn(asked, w_.record.get());
    if (turn != RestoreTurn::kDue && turn != RestoreTurn::kUsed) return;
    // Not done and not in flight: it is said, by name.
    const std::string said = w_.condition(ConditionType::kRestoreSucceeded);
    EXPECT_NE(said, "-");
    EXPECT_NE(said, "True/Succeeded");
    EXPECT_NE(w_.kstatus(), "Current");
    const bool in_flight = w_.running && w_.running->kind == Kind::kRestore;
    if (turn == RestoreTurn::kUsed && !in_flight) {
      EXPECT_EQ(said, "False/AttemptUsed");
    }
  }

  // With everything in its way removed, what is asked for is done.
  void come_to_rest() {
    for (int n = 0; n < 50 && w_.running; ++n) settle_flight();
    ASSERT_FALSE(w_.running);
    name_ = "a";
    w_.snapshot = make_snapshot("a", "a-uid", "vm-uid");
    const uint64_t attempt = w_.record->restore_attempt_done + 1;
    api::VmSpec& spec = w_.edit();
    spec.power = PowerState::kRunning;
    spec.restore = api::RestoreSpec{"a", attempt, false, false, ""};
    w_.now += seconds{1000};
    w_.run();
    for (int n = 0; n < 50; ++n) {
      if (w_.running) settle_flight();
      w_.now += seconds{400};
      w_.run();
      if (w_.kstatus() == "Current") break;
    }
    EXPECT_EQ(w_.record->restore_attempt_done, attempt);
    EXPECT_EQ(w_.condition(ConditionType::kRestoreSucceeded), "True/Succeeded");
    EXPECT_EQ(w_.kstatus(), "Current");
  }

  void settle_flight() {
    if (w_.running->kind == Kind::kRestore) finish(w_.running->attempt);
    w_.succeed();
  }

  std::mt19937 random_;
  VmWorld w_;
  std::string name_ = "a";
  std::set<uint64_t> finished_;
};

TEST(VmHistory, NoAttemptRunsTwiceAndNoneIsSkipped) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    History(seed).play(60);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace chrysalis::reconcile
