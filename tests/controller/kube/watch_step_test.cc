#include "controller/kube/watch_step.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/controller/kube/watch_script.h"

namespace chrysalis::kube {
namespace {

using testing::WatchScript;

TEST(WatchStep, Case01_ThreePagesThenWatch) {
  WatchScript w({.watch_list = false});
  w.start();
  EXPECT_EQ(w.list(), (ListParams{500, "", ""}));
  w.page("100", "c1");
  EXPECT_EQ(w.list(), (ListParams{500, "c1", ""}));
  w.page("100", "c2");
  EXPECT_FALSE(w.did<action::Swap>());
  w.page("101", "");  // a later page may not move the version
  EXPECT_EQ(w.log(), "stage-page swap@100 count watch@100");
  EXPECT_TRUE(w.state().synced);
}

TEST(WatchStep, Case02_ExpiredOnPageTwoListsAnewAndShowsNothing) {
  WatchScript w({.watch_list = false});
  w.start();
  w.page("100", "c1");
  w.refuse(410, "Expired");
  EXPECT_EQ(w.log(), "drop-stage count list");
  EXPECT_FALSE(w.state().synced);
  EXPECT_EQ(w.list(), (ListParams{500, "", ""}));
  w.page("120", "");
  EXPECT_TRUE(w.did<action::Swap>());
  EXPECT_EQ(w.state().store_version, "120");
}

TEST(WatchStep, Case03_AContinueThatRepeatsIsAnErrorWithBackOff) {
  WatchScript w({.watch_list = false});
  w.start();
  w.page("100", "c1");
  w.page("100", "c1");
  EXPECT_EQ(w.warning(), Notice::kEndlessList);
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
}

TEST(WatchStep, Case03_TokensThatTakeTurnsEndAtTheBound) {
  WatchScript w({.watch_list = false, .list_pages_max = 20});
  w.start();
  for (int i = 0; i < 19; ++i) w.page("100", i % 2 == 0 ? "a" : "b");
  EXPECT_EQ(w.state().phase, Phase::kListing);
  w.page("100", "b");
  EXPECT_EQ(w.warning(), Notice::kEndlessList);
}

TEST(WatchStep, Case04_AnEmptyListSyncsWithItsVersion) {
  WatchScript w({.watch_list = false});
  w.start();
  w.page("7", "");
  EXPECT_TRUE(w.state().synced);
  EXPECT_EQ(w.watch().resource_version, "7");
}

TEST(WatchStep, Case05_TooLargeVersionListsUnsetOnce) {
  WatchScript w({.watch_list = false});
  w.synced("100");
  w.advance(seconds(5));
  w.refuse(410, "Expired");
  EXPECT_EQ(w.list(), (ListParams{500, "", "100"}));
  w.refuse_too_large();
  EXPECT_EQ(w.list(), (ListParams{500, "", ""}));
  w.refuse_too_large();  // not again at once
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
  w.timer();
  w.page("90", "");  // only a swap may go back
  EXPECT_EQ(w.state().store_version, "90");
}

TEST(WatchStep, Case06_ForbiddenBacksOffWarnsOnceThenSyncs) {
  WatchScript w({.watch_list = false});
  w.start();
  w.refuse(403, "Forbidden");
  EXPECT_EQ(w.warning(), Notice::kForbidden);
  EXPECT_EQ(w.delay(), milliseconds(800));
  w.timer();
  w.refuse(403, "Forbidden");
  EXPECT_FALSE(w.did<action::Warn>());
  EXPECT_EQ(w.delay(), milliseconds(1600));
  w.timer();
  w.page("5", "");
  EXPECT_TRUE(w.state().synced);
  w.opened();
  w.refuse(403, "Forbidden");  // a new episode is a new warning
  EXPECT_EQ(w.warning(), Notice::kForbidden);
}

TEST(WatchStep, Case07_EofAfterEventsResumesAtLastVersion) {
  WatchScript w({});
  w.synced("100");
  w.event(EventType::kModified, "105");
  EXPECT_EQ(w.log(), "upsert advance@105");
  w.ended();
  EXPECT_EQ(w.log(), "count watch@105");
}

TEST(WatchStep, Case08_EofAtOnceBacksOffMoreEachTimeWithoutList) {
  WatchScript w({});
  w.synced("100");
  w.refuse(403, "Forbidden");  // leaves the stream of the sync
  w.timer();
  for (const int ms : {1600, 3200, 6400, 12'800, 25'600, 30'000, 30'000}) {
    w.opened();
    w.ended();
    EXPECT_EQ(w.delay(), milliseconds(ms));
    w.timer();
    EXPECT_EQ(w.log(), "count watch@100");
  }
  w.opened();
  w.advance(seconds(1));  // lived long enough: a watch that timed out
  w.ended();
  EXPECT_EQ(w.log(), "count watch@100");
}

TEST(WatchStep, Case08_JitterAtMostDoublesAndHealthResets) {
  WatchScript w({});
  w.synced("100");
  w.set_jitter(0.5);
  w.broken();
  EXPECT_EQ(w.delay(), milliseconds(1200));
  w.timer();
  w.broken();
  EXPECT_EQ(w.delay(), milliseconds(2400));
  w.timer();
  w.opened();
  w.advance(seconds(120));
  w.broken();
  EXPECT_EQ(w.delay(), milliseconds(1200));
}

TEST(WatchStep, Case09_RefusedConnectionBacksOffWithoutList) {
  WatchScript w({});
  w.synced("100");
  w.broken();
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
  EXPECT_TRUE(w.state().synced);
  w.timer();
  EXPECT_EQ(w.log(), "count watch@100");
}

void expired_twice(WatchScript& w, bool in_stream) {
  w.synced("100");
  w.advance(seconds(5));
  w.refuse(410, "Expired", in_stream);
  EXPECT_EQ(w.watch().resource_version, "100");
  EXPECT_TRUE(w.watch().initial_events);
  w.refuse(410, "Expired");
  EXPECT_EQ(w.watch().resource_version, "");
  w.refuse(410, "Expired");
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
  EXPECT_EQ(w.state().store_version, "100");  // readable all the time
}
TEST(WatchStep, Case10_GoneAsHttpStatusSyncsAtLastThenUnset) {
  WatchScript w({});
  expired_twice(w, false);
}
TEST(WatchStep, Case11_GoneAsErrorEventSyncsAtLastThenUnset) {
  WatchScript w({});
  expired_twice(w, true);
}
TEST(WatchStep, Case10_GoneRightAfterASyncIsNoLoop) {
  WatchScript w({});
  w.synced("100");
  w.refuse(410, "Expired", true);
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
}

TEST(WatchStep, Case12_TooManyRequestsWaitsAtLeastThatLong) {
  for (const bool in_stream : {false, true}) {
    WatchScript w({});
    w.synced("100");
    w.refuse(429, "TooManyRequests", in_stream, seconds(17));
    EXPECT_EQ(w.delay(), seconds(17));
    w.timer();
    EXPECT_EQ(w.log(), "count watch@100");
  }
}
TEST(WatchStep, Case12_TooManyRequestsOnAPageKeepsThePages) {
  WatchScript w({.watch_list = false});
  w.start();
  w.page("100", "c1");
  w.refuse(429, "TooManyRequests");
  EXPECT_FALSE(w.did<action::DropStage>());
  w.timer();
  EXPECT_EQ(w.list(), (ListParams{500, "c1", ""}));
  w.page("102", "");
  EXPECT_EQ(w.state().store_version, "100");
}

TEST(WatchStep, Case13_ServerErrorsRetryAtTheVersionUntilADeadline) {
  WatchScript w({.same_version_retry = seconds(60)});
  w.synced("100");
  for (int i = 0; i < 3; ++i) {
    w.refuse(500, "InternalError", true);
    w.timer();
    EXPECT_EQ(w.log(), "count watch@100") << i;
    w.opened();
  }
  w.event(EventType::kAdded, "101");  // progress forgives
  w.refuse(500, "InternalError", true);
  w.timer();
  EXPECT_EQ(w.log(), "count watch@101");
  w.advance(seconds(60));
  w.refuse(500, "InternalError", true);
  w.timer();
  EXPECT_TRUE(w.watch().initial_events);
}

TEST(WatchStep, Case14_ReconnectCarriesTheBookmark) {
  WatchScript w({});
  w.synced("100");
  w.bookmark("150");
  EXPECT_EQ(w.log(), "advance@150");
  w.broken();
  w.timer();
  EXPECT_EQ(w.watch().resource_version, "150");
}

TEST(WatchStep, Case15_WithoutBookmarksTheLastEventCounts) {
  WatchScript w({.watch_list = false});
  w.synced("100");
  w.opened();
  w.event(EventType::kAdded, "101");
  w.event(EventType::kDeleted, "103");
  EXPECT_EQ(w.log(), "remove advance@103");
  w.ended();
  EXPECT_EQ(w.watch().resource_version, "103");
}

TEST(WatchStep, Case16_WatchListStagesUntilTheEndMarkAndKeepsTheStream) {
  WatchScript w({});
  w.start();
  EXPECT_EQ(w.watch(), (WatchParams{"", true, seconds(290)}));
  w.opened();
  w.event(EventType::kAdded, "30");
  EXPECT_EQ(w.log(), "stage-upsert");
  w.event(EventType::kAdded, "20");  // in no order
  EXPECT_EQ(w.log(), "stage-upsert");
  w.event(EventType::kDeleted, "31");
  EXPECT_EQ(w.log(), "stage-remove");
  w.bookmark("25");
  EXPECT_EQ(w.log(), "");
  w.bookmark("40", true);
  EXPECT_EQ(w.log(), "swap@40");
  w.event(EventType::kAdded, "41");
  EXPECT_EQ(w.log(), "upsert advance@41");
  w.bookmark("50", true);  // a second one is a server's mistake
  EXPECT_EQ(w.log(), "count");
  EXPECT_EQ(w.state().store_version, "41");
}

TEST(WatchStep, Case17_EndMarkNeverComesWarnsTimesOutRetries) {
  WatchScript w({});
  w.synced("100");
  w.advance(seconds(5));
  w.refuse(410, "Expired");
  w.opened();
  w.event(EventType::kAdded, "101");
  w.timer();
  EXPECT_EQ(w.warning(), Notice::kEndMarkLate);
  EXPECT_EQ(w.state().phase, Phase::kInitialWatch);
  w.timer();
  EXPECT_TRUE(w.did<action::Cancel>());
  EXPECT_TRUE(w.did<action::DropStage>());
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
  EXPECT_EQ(w.state().store_version, "100");
  w.timer();
  EXPECT_TRUE(w.watch().initial_events);
}

TEST(WatchStep, Case18_WatchListRefusedFallsBackAndRemembers) {
  for (const int code : {400, 422}) {
    WatchScript w({});
    w.start();
    w.refuse(code, "Invalid");
    EXPECT_EQ(w.warning(), Notice::kWatchListUnsupported);
    EXPECT_EQ(w.list(), (ListParams{500, "", ""}));
    w.page("100", "");
    w.advance(seconds(5));
    w.refuse(410, "Expired");
    EXPECT_EQ(w.list(), (ListParams{500, "", "100"}));
  }
}

TEST(WatchStep, Case19_DropInTheMiddleOfInitialEventsDropsTheStage) {
  for (const bool clean : {true, false}) {
    WatchScript w({});
    w.start();
    w.opened();
    w.event(EventType::kAdded, "30");
    clean ? w.ended() : w.broken();
    EXPECT_TRUE(w.did<action::DropStage>());
    EXPECT_FALSE(w.state().synced);
    w.timer();
    EXPECT_EQ(w.watch(), (WatchParams{"", true, seconds(290)}));
  }
}

TEST(WatchStep, Case20_ReconnectAfterSyncAsksForNoInitialEvents) {
  WatchScript w({});
  w.synced("100");
  w.advance(seconds(290));
  w.ended();
  EXPECT_EQ(w.watch(), (WatchParams{"100", false, seconds(290)}));
  w.broken();
  w.timer();
  EXPECT_FALSE(w.watch().initial_events);
}

// 21, 22: which keys vanished and whose uid changed is found by the store
// while it carries out one Swap; the machine gives it exactly one, whole.
TEST(WatchStep, Case21_22_RelistIsOneSwapAfterAllOfItsPages) {
  WatchScript w({.watch_list = false});
  w.synced("100");
  w.advance(seconds(5));
  w.refuse(410, "Expired");
  EXPECT_TRUE(w.did<action::DropStage>());
  w.page("200", "c1");
  EXPECT_EQ(w.log(), "stage-page list");
  w.page("200", "");
  EXPECT_EQ(w.log(), "stage-page swap@200 count watch@200");
}

TEST(WatchStep, Case24_UnknownKeysAreTheStoresToCount) {
  WatchScript w({});
  w.synced("100");
  w.event(EventType::kModified, "101");
  EXPECT_EQ(w.log(), "upsert advance@101");
  w.event(EventType::kDeleted, "102");
  EXPECT_EQ(w.log(), "remove advance@102");
}

TEST(WatchStep, Case25_AnOlderEventIsDroppedAndCounted) {
  WatchScript w({});
  w.synced("100");
  w.event(EventType::kModified, "1000");
  for (const auto type :
       {EventType::kAdded, EventType::kModified, EventType::kDeleted}) {
    w.event(type, "999");
    EXPECT_EQ(w.log(), "count");
  }
  w.bookmark("998");
  EXPECT_EQ(w.log(), "");
  EXPECT_EQ(w.state().store_version, "1000");
}

TEST(WatchStep, Case25_AVersionThatIsNoneIsDeliveredButMovesNothing) {
  WatchScript w({});
  w.synced("100");
  w.event(EventType::kModified, "");
  EXPECT_EQ(w.log(), "upsert");
  w.event(EventType::kModified, "x");
  EXPECT_EQ(w.log(), "upsert");
}

TEST(WatchStep, Case30_AnUndecodableObjectIsNamedAndTheStreamGoesOn) {
  WatchScript w({});
  w.synced("100");
  w.event(EventType::kModified, "101", "spec.x: not a number");
  EXPECT_EQ(w.log(), "count warn advance@101");
  EXPECT_EQ(w.warning_text(), "ns/a: spec.x: not a number");
  w.event(EventType::kDeleted, "102", "spec.x: not a number");
  EXPECT_EQ(w.log(), "count warn remove advance@102");
  EXPECT_EQ(w.state().phase, Phase::kWatching);
}

TEST(WatchStep, Case30_AnUndecodableItemOfAPageStillSyncs) {
  WatchScript w({.watch_list = false});
  w.start();
  const input::Fault fault{"ns/bad", "no"};
  w.page("100", "", {&fault, 1});
  EXPECT_EQ(w.log(), "count warn stage-page swap@100 count watch@100");
}

TEST(WatchStep, Case31_AMalformedFrameEndsTheStreamAndBacksOff) {
  WatchScript w({});
  w.synced("100");
  w.malformed("expected a VirtualMachine, got Table");
  EXPECT_EQ(w.warning(), Notice::kMalformed);
  EXPECT_TRUE(w.did<action::Cancel>());
  w.timer();
  EXPECT_EQ(w.watch(), (WatchParams{"100", false, seconds(290)}));
  w.malformed("the same");
  w.advance(seconds(60));  // for ever at one version: give it up
  w.timer();
  w.malformed("the same");
  w.timer();
  EXPECT_TRUE(w.watch().initial_events);
}

// A list at a version is answered whole, whatever its limit: beyond what a
// body may hold it would be for ever. Unset, it comes in pages.
TEST(WatchStep, AMalformedListAtAVersionIsNotAskedForAgain) {
  WatchScript w({.watch_list = false});
  w.synced("100");
  w.advance(seconds(5));
  w.refuse(410, "Expired");
  EXPECT_EQ(w.list(), (ListParams{500, "", "100"}));
  w.malformed("a body beyond its bound");
  w.timer();
  EXPECT_EQ(w.list(), (ListParams{500, "", ""}));
  w.page("200", "next");
  w.page("200", "");
  EXPECT_EQ(w.state().store_version, "200");
  EXPECT_FALSE(w.state().list_unset) << "of that list alone";
}

TEST(WatchStep, UnauthorizedRefreshesOnceAtOnceThenBacksOff) {
  WatchScript w({});
  w.synced("100");
  w.refuse(401, "Unauthorized");
  EXPECT_EQ(w.log(), "refresh count watch@100");
  w.refuse(401, "Unauthorized");
  EXPECT_EQ(w.warning(), Notice::kUnauthorized);
  EXPECT_EQ(w.state().phase, Phase::kBackoff);
  w.timer();
  w.event(EventType::kAdded, "101");
  w.refuse(401, "Unauthorized");
  EXPECT_EQ(w.log(), "refresh count watch@101");
}

TEST(WatchStep, AbsentCollectionBacksOffAndNeverTouchesTheStore) {
  WatchScript w({});
  w.synced("100");
  w.refuse(404, "NotFound");
  EXPECT_EQ(w.warning(), Notice::kCollectionAbsent);
  EXPECT_FALSE(w.did<action::Remove>() || w.did<action::Swap>());
  w.timer();
  EXPECT_EQ(w.watch().resource_version, "100");
}

TEST(WatchStep, AnEarlyTimerAsksAgainAndALateAttemptIsIgnored) {
  WatchScript w({});
  w.synced("100");
  const uint64_t old = w.state().attempt;
  w.broken();
  w.send({0, input::Timer{}});
  EXPECT_EQ(w.log(), "timer");
  w.timer();
  w.send({old, input::Ended{}});
  EXPECT_EQ(w.log(), "");
}

TEST(WatchStep, Case34_StopIsFinalAndSilentInEveryPhase) {
  for (const auto& [name, w] : testing::scripts_in_every_phase()) {
    WatchScript script = w;
    script.send({0, input::Stop{}});
    EXPECT_EQ(script.state().phase, Phase::kStopped) << name;
    EXPECT_EQ(script.log(), "cancel drop-stage") << name;
    for (const Input& input : testing::every_input(script.state().attempt)) {
      script.send(input);
      EXPECT_EQ(script.log(), "") << name << " input " << input.what.index();
    }
  }
}

// Every phase meets every input: nothing crashes, and whatever waits has a
// timer, whatever flies was started.
TEST(WatchStep, EveryPhaseByEveryInputLeavesAWayOn) {
  for (const auto& [name, w] : testing::scripts_in_every_phase()) {
    for (const Input& input : testing::every_input(w.state().attempt)) {
      WatchScript script = w;
      script.send(input);
      const WatchState& s = script.state();
      const std::string at = name + " x " + std::to_string(input.what.index());
      EXPECT_TRUE(s.phase != Phase::kBackoff || s.wake_at.has_value()) << at;
      EXPECT_TRUE(!w.state().synced || s.synced) << at;
      EXPECT_TRUE(s.phase != Phase::kWatching || s.synced) << at;
    }
  }
}

}  // namespace
}  // namespace chrysalis::kube
