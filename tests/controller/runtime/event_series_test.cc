#include "controller/runtime/event_series.h"

#include <gtest/gtest.h>

namespace chrysalis::runtime {
namespace {

using Outcome = EventSeries::Outcome;

class EventSeriesTest : public testing::Test {
 protected:
  bool tell(const std::string& reason = "Booted", const std::string& uid = "u",
            const std::string& message = "m") {
    EventNote note;
    note.key = {"ns", "vm"};
    note.uid = uid;
    note.reason = reason;
    note.message = message;
    return series_.tell(note, now_, Wall{} + (now_ - Mono{}));
  }
  std::optional<EventSeries::Write> write(Outcome outcome = Outcome::kWritten) {
    const auto next = series_.next(now_);
    if (next) series_.done(*next, outcome, now_);
    return next;
  }
  // "create 1", "patch 7", "".
  std::string wrote(Outcome outcome = Outcome::kWritten) {
    const auto next = write(outcome);
    if (!next) return "";
    return (next->create ? "create " : "patch ") + std::to_string(next->count);
  }

  EventSeries series_;
  Mono now_{seconds(1000)};
};

TEST_F(EventSeriesTest, TheFirstIsWrittenTheSecondAtOnceMoreAreCounted) {
  tell();
  EXPECT_EQ(wrote(), "create 1");
  EXPECT_EQ(wrote(), "");
  tell();
  EXPECT_EQ(wrote(), "patch 2");
  for (int i = 0; i < 50; ++i) tell();
  EXPECT_EQ(wrote(), "");
}

TEST_F(EventSeriesTest, SixMinutesOfSilenceWriteTheCountAndEndTheSeries) {
  for (int i = 0; i < 2; ++i) {
    tell();
    wrote();
  }
  tell();
  EXPECT_EQ(series_.wake_at(), now_ + EventSeries::kEndsAfter);
  now_ += EventSeries::kEndsAfter;
  EXPECT_EQ(wrote(), "patch 3");
  EXPECT_EQ(series_.size(), 0U);
  tell();
  EXPECT_EQ(wrote(), "create 1");
}

TEST_F(EventSeriesTest, ALongSeriesIsRefreshedEveryHalfHour) {
  for (int i = 0; i < 2; ++i) {
    tell();
    wrote();
  }
  int refreshed = 0;
  for (int minute = 0; minute < 95; ++minute) {
    now_ += seconds(60);
    tell();
    if (!wrote().empty()) ++refreshed;
  }
  EXPECT_EQ(refreshed, 3);
}

TEST_F(EventSeriesTest, AnotherObjectOrReasonIsAnotherEvent) {
  tell("Booted", "u");
  tell("Booted", "u2");
  tell("Ended", "u");
  EXPECT_EQ(wrote(), "create 1");
  EXPECT_EQ(wrote(), "create 1");
  EXPECT_EQ(wrote(), "create 1");
}

TEST_F(EventSeriesTest, ACrashLoopIsOneEventWhateverTimesItsTextsName) {
  for (int n = 0; n < 6; ++n) {
    tell("RestartBackOff", "u", "started again at " + std::to_string(n));
    EXPECT_EQ(wrote(), n == 0 ? "create 1" : n == 1 ? "patch 2" : "");
    now_ += seconds{300};
  }
  EXPECT_EQ(series_.size(), 1U);
}

TEST_F(EventSeriesTest, TheLatestTextBeforeItIsWrittenIsTold) {
  tell("Booted", "u", "old");
  tell("Booted", "u", "new");
  EXPECT_EQ(write()->note.message, "new");
}

TEST_F(EventSeriesTest, RepeatsWhileTheFirstIsUnderWayAreNotForgotten) {
  tell();
  const auto first = series_.next(now_);
  ASSERT_TRUE(first);
  tell();
  tell();
  EXPECT_FALSE(series_.next(now_));
  series_.done(*first, Outcome::kWritten, now_);
  EXPECT_EQ(wrote(), "patch 3");
}

TEST_F(EventSeriesTest, AFailureIsTriedTwelveTimesTenSecondsApart) {
  tell();
  int tries = 0;
  while (series_.size() > 0) {
    ASSERT_EQ(wrote(Outcome::kFailed), "create 1");
    ++tries;
    EXPECT_EQ(wrote(), "") << "before its time";
    now_ += EventSeries::kRetry;
  }
  EXPECT_EQ(tries, 12);
}

TEST_F(EventSeriesTest, AVanishedEventIsCreatedAnewWithItsCount) {
  tell();
  wrote();
  tell();
  EXPECT_EQ(wrote(Outcome::kVanished), "patch 2");
  EXPECT_EQ(wrote(), "create 2");
}

TEST_F(EventSeriesTest, ARefusedEventIsForgotten) {
  tell();
  EXPECT_EQ(wrote(Outcome::kRefused), "create 1");
  EXPECT_EQ(series_.size(), 0U);
  EXPECT_FALSE(series_.wake_at());
}

TEST_F(EventSeriesTest, WhatFindsNoRoomIsRefusedAndTheWrittenMakesRoom) {
  for (size_t i = 0; i < EventSeries::kMax; ++i)
    ASSERT_TRUE(tell(std::to_string(i)));
  EXPECT_FALSE(tell("one too many"));
  EXPECT_TRUE(tell("0")) << "a repeat needs no room";
  EXPECT_EQ(wrote(), "create 2");
  EXPECT_TRUE(tell("one more"));
  EXPECT_EQ(series_.size(), EventSeries::kMax);
}

TEST_F(EventSeriesTest, TheEndWritesEveryCount) {
  for (int i = 0; i < 3; ++i) {
    tell();
    if (i < 2) wrote();
  }
  tell("other");
  wrote();
  series_.finish();
  EXPECT_EQ(wrote(), "patch 3");
  EXPECT_EQ(wrote(), "");
  EXPECT_EQ(series_.size(), 0U);
}

}  // namespace
}  // namespace chrysalis::runtime
