#include "controller/runtime/liveness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <vector>

#include "controller/runtime/elector.h"
#include "controller/runtime/heartbeat_thread.h"
#include "tests/fakes/fake_timer.h"

namespace chrysalis::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Mono kStart{std::chrono::hours{1}};
constexpr Wall kWall{seconds{1'800'000'000}};

TEST(LivenessJudge, LosesAnAgentByItsOwnClockAndTellsOnce) {
  LivenessJudge judge;
  judge.observe("a", "t0", kStart);
  judge.observe("b", "t0", kStart);
  judge.observe("b", "t1", kStart + seconds{10});
  EXPECT_TRUE(judge.alive("a", kStart + milliseconds{39'999}));
  EXPECT_EQ(judge.judge(kStart + seconds{39}).wake_at, kStart + seconds{40});

  judge.observe("a", "t0", kStart + seconds{39});  // seen again, unchanged
  const auto verdicts = judge.judge(kStart + seconds{40});
  EXPECT_THAT(verdicts.lost, ElementsAre("a"));
  EXPECT_EQ(verdicts.wake_at, kStart + seconds{50});
  EXPECT_THAT(judge.judge(kStart + seconds{41}).lost, IsEmpty());

  judge.observe("a", "t9", kStart + seconds{60});
  EXPECT_THAT(judge.judge(kStart + seconds{60}).returned, ElementsAre("a"));
  EXPECT_FALSE(judge.alive("never seen", kStart));
}

TEST(Liveness, NamesLeasesByNode) {
  EXPECT_EQ(agent_lease_name("node-1.x"), "agent-node-1.x");
  EXPECT_EQ(node_of_lease("agent-node-1.x"), "node-1.x");
  EXPECT_EQ(node_of_lease("agent-"), std::nullopt);
  EXPECT_EQ(node_of_lease("leader"), std::nullopt);
}

TEST(Heartbeat, RenewsEveryTenSecondsAndAtOnceOnANewDescription) {
  Heartbeat beat("n1");
  beat.describe({{"memory", "8Gi"}});
  EXPECT_TRUE(beat.plan(kStart, kWall).read);
  beat.read(std::nullopt, kStart);
  auto plan = beat.plan(kStart, kWall);
  ASSERT_TRUE(plan.write);
  EXPECT_EQ(plan.write->holder, "n1");
  EXPECT_EQ(plan.write->duration_seconds, 40);
  EXPECT_EQ(plan.write->annotations.at("memory"), "8Gi");

  LeaseRecord stored = *plan.write;
  stored.resource_version = "5";
  beat.wrote(stored, kStart);
  plan = beat.plan(kStart + seconds{9}, kWall);
  EXPECT_FALSE(plan.write);
  EXPECT_EQ(plan.wake_at, kStart + seconds{10});
  plan = beat.plan(kStart + seconds{10}, kWall + seconds{10});
  ASSERT_TRUE(plan.write);
  EXPECT_EQ(plan.write->renew_time, kWall + seconds{10});
  EXPECT_EQ(plan.write->acquire_time, kWall);
  EXPECT_EQ(plan.write->resource_version, "5");

  beat.describe({{"memory", "7Gi"}});
  EXPECT_TRUE(beat.plan(kStart + seconds{1}, kWall).write);
}

TEST(Heartbeat, LooksAgainAfterAFailure) {
  Heartbeat beat("n1");
  beat.read(std::nullopt, kStart);
  beat.failed(/*conflict=*/true, kStart);
  EXPECT_TRUE(beat.plan(kStart, kWall).read) << "a conflict: at once";
  beat.read(LeaseRecord{}, kStart);
  beat.failed(/*conflict=*/false, kStart);
  const auto plan = beat.plan(kStart, kWall);
  EXPECT_FALSE(plan.read);
  EXPECT_EQ(plan.wake_at, kStart + seconds{2});
  EXPECT_TRUE(beat.plan(kStart + seconds{2}, kWall).read);
}

// Of another host of our name; `at` is when it says that it renewed.
LeaseRecord anothers(Wall at, const std::string& version = "1") {
  LeaseRecord out;
  out.holder = "n1_theirs";
  out.renew_time = at;
  out.resource_version = version;
  return out;
}

TEST(Heartbeat, ALeaseThatAnotherHostRenewsIsNeverOurs) {
  Heartbeat beat("n1_ours");
  beat.read(anothers(kWall), kStart);
  EXPECT_EQ(beat.rival(), "n1_theirs");
  auto plan = beat.plan(kStart, kWall);
  EXPECT_FALSE(plan.write);
  EXPECT_EQ(plan.wake_at, kStart + seconds{5});
  EXPECT_TRUE(beat.plan(kStart + seconds{5}, kWall).read);
  beat.read(anothers(kWall), kStart + seconds{5});
  EXPECT_FALSE(beat.taken_by());
  beat.read(anothers(kWall + seconds{10}, "2"), kStart + seconds{10});
  EXPECT_EQ(beat.taken_by(), "n1_theirs");
  EXPECT_FALSE(beat.claimed());
}

TEST(Heartbeat, ALeaseThatIsNotRenewedForFortySecondsIsTakenOver) {
  Heartbeat beat("n1_ours");
  // Its clock is an hour ahead: that says nothing.
  const LeaseRecord left = anothers(kWall + seconds{3600}, "7");
  for (int n = 0; n < 40; n += 5) {
    const Mono now = kStart + seconds{n};
    beat.read(left, now);
    EXPECT_FALSE(beat.plan(now, kWall).write) << n;
  }
  const auto plan = beat.plan(kStart + seconds{40}, kWall);
  ASSERT_TRUE(plan.write);
  EXPECT_EQ(plan.write->holder, "n1_ours");
  EXPECT_EQ(plan.write->resource_version, "7");
  EXPECT_EQ(plan.write->acquire_time, kWall);
  // It was renewed just then: the write is refused, and looked into.
  beat.failed(/*conflict=*/true, kStart + seconds{40});
  EXPECT_TRUE(beat.plan(kStart + seconds{40}, kWall).read);
  beat.read(anothers(kWall, "8"), kStart + seconds{40});
  EXPECT_TRUE(beat.taken_by());
}

TEST(Heartbeat, AServerThatWasAwayProvesNobodyDead) {
  Heartbeat beat("n1_ours");
  beat.read(anothers(kWall), kStart);
  beat.failed(/*conflict=*/false, kStart + seconds{39});
  beat.read(anothers(kWall), kStart + seconds{45});
  const auto plan = beat.plan(kStart + seconds{45}, kWall);
  EXPECT_FALSE(plan.write);
  EXPECT_TRUE(beat.plan(kStart + seconds{79}, kWall).write);
}

TEST(Heartbeat, OurOwnLeaseAndThatOfAFormerVersionAreOursAtOnce) {
  for (const char* holder : {"", "n1", "n1_ours"}) {
    Heartbeat beat("n1_ours");
    LeaseRecord record = anothers(kWall);
    record.holder = holder;
    beat.read(record, kStart);
    EXPECT_FALSE(beat.rival()) << holder;
    const auto plan = beat.plan(kStart, kWall);
    ASSERT_TRUE(plan.write) << holder;
    beat.wrote(*plan.write, kStart);
    EXPECT_TRUE(beat.claimed());
    // What was ours once is not given up without a word.
    beat.failed(/*conflict=*/true, kStart);
    beat.read(anothers(kWall), kStart);
    EXPECT_EQ(beat.rival(), "n1_theirs");
    EXPECT_TRUE(beat.plan(kStart + seconds{10}, kWall).write);
  }
}

// One lease in memory, with the server's rule of versions.
class MemoryLease final : public LeaseApi {
 public:
  Result<std::optional<LeaseRecord>> get() override {
    const std::lock_guard lock(mutex_);
    if (down_) return fail(Code::kUnavailable, "down");
    return lease_;
  }
  Result<LeaseRecord> write(const LeaseRecord& record) override {
    const std::lock_guard lock(mutex_);
    if (down_) return fail(Code::kUnavailable, "down");
    const std::string held = lease_ ? lease_->resource_version : "";
    if (record.resource_version != held) return fail(Code::kConflict, "moved");
    lease_ = record;
    lease_->resource_version = std::to_string(++writes_);
    return *lease_;
  }
  void set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
  }
  LeaseRecord lease() {
    const std::lock_guard lock(mutex_);
    return lease_.value_or(LeaseRecord{});
  }

 private:
  std::mutex mutex_;
  std::optional<LeaseRecord> lease_;
  int writes_ = 0;
  bool down_ = false;
};

TEST(HeartbeatThread, KeepsTheLeaseFresh) {
  FakeTimer timer;
  MemoryLease api;
  HeartbeatThread thread("n1", {{"a", "1"}}, api, timer);
  ASSERT_TRUE(timer.await_deadlines());
  EXPECT_EQ(api.lease().resource_version, "1");
  ASSERT_TRUE(timer.fire_next());
  ASSERT_TRUE(timer.await_deadlines());
  EXPECT_EQ(api.lease().resource_version, "2");
  api.set_down(true);
  ASSERT_TRUE(timer.fire_next());  // the renewal fails
  ASSERT_TRUE(timer.await_deadlines());
  api.set_down(false);
  ASSERT_TRUE(timer.fire_next());  // 2 s later it does not
  ASSERT_TRUE(timer.await_deadlines());
  EXPECT_EQ(api.lease().resource_version, "3");
  thread.stop();
}

TEST(HeartbeatThread, TwoHostsOfOneNameAreNoticedByTheSecond) {
  FakeTimer timer;
  MemoryLease api;
  std::promise<void> claimed, taken;
  HeartbeatThread first("n1_a", {}, api, timer, [&] { claimed.set_value(); });
  ASSERT_EQ(claimed.get_future().wait_for(seconds{20}),
            std::future_status::ready);
  EXPECT_TRUE(first.claimed());
  ASSERT_TRUE(timer.await_deadlines());
  timer.advance(seconds{3});
  HeartbeatThread second("n1_b", {}, api, timer, [&] { taken.set_value(); });
  // It looks after 3, 8 and 13 s; the first renews after 10.
  for (int n = 0; n < 3; ++n) {
    ASSERT_TRUE(timer.await_deadlines(2));
    EXPECT_FALSE(second.taken_by());
    ASSERT_TRUE(timer.fire_next());
  }
  ASSERT_EQ(taken.get_future().wait_for(seconds{20}),
            std::future_status::ready);
  EXPECT_EQ(second.taken_by(), "n1_a");
  EXPECT_FALSE(second.claimed());
  EXPECT_EQ(api.lease().holder, "n1_a");
}

TEST(Elector, LeadsUntilItCannotRenew) {
  FakeTimer timer;
  MemoryLease api;
  std::mutex mutex;
  std::condition_variable lost_signal;
  bool lost = false;
  Elector elector("me", {}, api, timer, {.on_leading = nullptr, .on_lost = [&] {
                                           const std::lock_guard lock(mutex);
                                           lost = true;
                                           lost_signal.notify_all();
                                         }});
  ASSERT_TRUE(timer.await_deadlines());
  EXPECT_TRUE(elector.leads());
  api.set_down(true);
  while (elector.leads()) ASSERT_TRUE(timer.fire_next());
  std::unique_lock lock(mutex);
  EXPECT_TRUE(lost_signal.wait_for(lock, seconds{20}, [&] { return lost; }));
  EXPECT_FALSE(elector.leads());
}

TEST(Elector, StopReleasesTheLeaseForTheNext) {
  FakeTimer timer;
  MemoryLease api;
  Elector first("first", {}, api, timer, {});
  ASSERT_TRUE(timer.await_deadlines());
  Elector second("second", {}, api, timer, {});
  ASSERT_TRUE(timer.await_deadlines(2));
  EXPECT_FALSE(second.leads());
  first.stop();
  EXPECT_EQ(api.lease().holder, "");
  ASSERT_TRUE(timer.fire_next());
  ASSERT_TRUE(timer.await_deadlines());
  EXPECT_TRUE(second.leads());
  EXPECT_EQ(api.lease().transitions, 1);
}

}  // namespace
}  // namespace chrysalis::runtime
