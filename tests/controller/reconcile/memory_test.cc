#include "controller/reconcile/memory.h"

#include <gtest/gtest.h>

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Outcome;
using engine::Reason;

constexpr Wall kNow{seconds{1'800'000'000}};

Outcome failed(Kind kind, Reason reason, Wall at = kNow) {
  Outcome out;
  out.kind = kind;
  out.reason = reason;
  out.finished = at;
  return out;
}

Outcome well(Kind kind) {
  Outcome out;
  out.kind = kind;
  out.ok = true;
  return out;
}

TEST(Memory, CountsFailuresOfTheSameRequestInARow) {
  Memory memory;
  const Asked boot{Kind::kBoot, 1, 0, ""};
  for (uint32_t n = 1; n <= 3; ++n) {
    ask(memory, boot);
    settle(memory, true, well(Kind::kBoot));  // still in flight: not its end
    EXPECT_TRUE(memory.power.awaited);
    settle(memory, false, failed(Kind::kBoot, Reason::kSpawnFailed));
    ASSERT_NE(memory.power.failed(boot), nullptr);
    EXPECT_EQ(memory.power.failed(boot)->in_a_row, n);
  }
  ask(memory, boot);
  settle(memory, false, well(Kind::kBoot));
  EXPECT_EQ(memory.power.failed(boot), nullptr);
}

TEST(Memory, AnOldOutcomeIsNotTakenForANewOne) {
  Memory memory;
  ask(memory, {Kind::kStart, 1, 0, ""});
  settle(memory, false, failed(Kind::kStart, Reason::kBootFailed));
  // Nothing was asked since: the same outcome counts once.
  settle(memory, false, failed(Kind::kStart, Reason::kBootFailed));
  EXPECT_EQ(memory.power.failure->in_a_row, 1U);
  // Of another kind: no outcome of ours.
  ask(memory, {Kind::kStop, 1, 0, ""});
  settle(memory, false, failed(Kind::kStart, Reason::kBootFailed));
  EXPECT_FALSE(memory.power.failure);
  // The start of a staged clone ends as a clone.
  ask(memory, {Kind::kStart, 1, 0, ""});
  settle(memory, false, failed(Kind::kClone, Reason::kLoadFailed));
  EXPECT_TRUE(memory.power.failure);
}

TEST(Memory, AnotherSpecIsAnotherRequest) {
  Memory memory;
  const Asked before{Kind::kBoot, 1, 0, ""};
  const Asked after{Kind::kBoot, 2, 0, ""};
  ask(memory, before);
  settle(memory, false, failed(Kind::kBoot, Reason::kImageNotFound));
  EXPECT_EQ(memory.power.failed(after), nullptr);
  ask(memory, after);
  settle(memory, false, failed(Kind::kBoot, Reason::kImageNotFound));
  EXPECT_EQ(memory.power.failed(after)->in_a_row, 1U);
}

TEST(Memory, APauseDoesNotForgetTheRefusalOfARestore) {
  Memory memory;
  const Asked restore{Kind::kRestore, 3, 1, "s"};
  ask(memory, restore);
  settle(memory, false, failed(Kind::kRestore, Reason::kForeignSnapshot));
  ask(memory, {Kind::kPause, 3, 0, ""});
  settle(memory, false, well(Kind::kPause));
  EXPECT_NE(memory.restore.failed(restore), nullptr);
}

TEST(Memory, BackOffDoublesToFiveMinutes) {
  const auto wait = [](Reason reason, uint32_t in_a_row) {
    const auto at = next_try({reason, "", false, kNow, in_a_row});
    return at ? std::chrono::duration_cast<seconds>(*at - kNow).count() : -1;
  };
  EXPECT_EQ(wait(Reason::kSpawnFailed, 1), 1);
  EXPECT_EQ(wait(Reason::kSpawnFailed, 2), 2);
  EXPECT_EQ(wait(Reason::kSpawnFailed, 9), 256);
  EXPECT_EQ(wait(Reason::kSpawnFailed, 10), 300);
  EXPECT_EQ(wait(Reason::kSpawnFailed, 4'000'000'000), 300);
  EXPECT_EQ(wait(Reason::kImageNotFound, 1), 30);
  EXPECT_EQ(wait(Reason::kImageNotFound, 99), 300);
  EXPECT_EQ(wait(Reason::kInvalidConfig, 1), -1);
}

TEST(Memory, EveryReasonHasItsAnswer) {
  for (int r = 0; r <= static_cast<int>(engine::kLastReason); ++r) {
    const Failure failure{static_cast<Reason>(r), "", false, kNow, 1};
    EXPECT_EQ(next_try(failure).has_value(),
              retry_of(failure.reason) != Retry::kNever)
        << r;
  }
}

}  // namespace
}  // namespace chrysalis::reconcile
