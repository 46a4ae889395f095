#include "src/engine/machine/restart.h"

#include <gtest/gtest.h>

namespace chrysalis::engine {
namespace {

using R = model::RestartPolicy;
const Wall kDay{seconds{1'800'000'000}};

TEST(OnExit, ThePolicyDecidesByHowItEnded) {
  const auto what = [](R policy, bool clean) {
    return on_exit(policy, {kDay, clean}, {}, kDay).what;
  };
  EXPECT_EQ(what(R::kNever, true), OnExit::kSucceeded);
  EXPECT_EQ(what(R::kNever, false), OnExit::kFailed);
  EXPECT_EQ(what(R::kOnFailure, true), OnExit::kSucceeded);
  EXPECT_EQ(what(R::kOnFailure, false), OnExit::kRestart);
  EXPECT_EQ(what(R::kAlways, true), OnExit::kRestart);
  EXPECT_EQ(what(R::kAlways, false), OnExit::kRestart);
}

TEST(OnExit, BacksOffFromTenSecondsToFiveMinutes) {
  RestartHistory history;
  for (const int wait : {10, 20, 40, 80, 160, 300, 300, 300}) {
    const auto verdict = on_exit(R::kAlways, {kDay, false}, history, kDay);
    EXPECT_EQ(verdict.at - kDay, seconds{wait});
    EXPECT_FALSE(verdict.due);
    history.in_a_row = verdict.in_a_row;
  }
  history.in_a_row = 4'000'000'000u;
  EXPECT_EQ(on_exit(R::kAlways, {kDay, false}, history, kDay).at - kDay,
            kLongestBackOff);
}

TEST(OnExit, IsDueWhenTheTimeHasCome) {
  EXPECT_TRUE(on_exit(R::kAlways, {kDay, false}, {}, kDay + seconds{10}).due);
}

TEST(OnExit, BeginsAnewAfterTenHealthyMinutes) {
  const RestartHistory history{5, kDay};
  const Wall soon = kDay + seconds{599}, late = kDay + seconds{600};
  EXPECT_EQ(on_exit(R::kAlways, {soon, false}, history, soon).at - soon,
            kLongestBackOff);
  const auto verdict = on_exit(R::kAlways, {late, false}, history, late);
  EXPECT_EQ(verdict.at - late, kFirstBackOff);
  EXPECT_EQ(verdict.in_a_row, 1u);
}

}  // namespace
}  // namespace chrysalis::engine
