#include "controller/runtime/election.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace chrysalis::runtime {
namespace {

using namespace election;

constexpr Mono kStart{std::chrono::hours{1}};
constexpr Wall kWall{seconds{1'800'000'000}};

LeaseRecord held_by(const std::string& holder, const std::string& version) {
  return {holder, 15, kWall, kWall, 3, {}, version};
}

const LeaseRecord& written(const Action& action) {
  return std::get<Write>(action).record;
}

// Drives one election to Leading at `now`.
void lead(Election& e, Mono now) {
  ASSERT_TRUE(std::holds_alternative<Read>(e.step(Tick{}, now, kWall, 0)));
  LeaseRecord record = written(e.step(Got{std::nullopt}, now, kWall, 0));
  record.resource_version = "1";
  e.step(Wrote{record}, now, kWall, 0);
  ASSERT_EQ(e.role(), Role::kLeading);
}

TEST(Election, CreatesALeaseThatIsNotThere) {
  Election e("me");
  e.step(Tick{}, kStart, kWall, 0);
  const Action action = e.step(Got{std::nullopt}, kStart, kWall, 0);
  EXPECT_EQ(written(action).holder, "me");
  EXPECT_EQ(written(action).transitions, 0);
  EXPECT_EQ(written(action).duration_seconds, 15);
  EXPECT_EQ(written(action).resource_version, "");
}

// Case 46: skewed clocks. The times in the record say "expired an hour ago"
// or "valid for an hour more"; only our own clock counts.
TEST(Election, JudgesExpiryByItsOwnClockOnly) {
  for (const auto skew : {std::chrono::hours{-1}, std::chrono::hours{1}}) {
    Election e("me");
    LeaseRecord record = held_by("other", "7");
    record.renew_time = kWall + skew;
    e.step(Tick{}, kStart, kWall, 0);
    Action action = e.step(Got{record}, kStart, kWall, 0);
    EXPECT_EQ(std::get<Wait>(action).until, kStart + seconds{2});
    action = e.step(Got{record}, kStart + milliseconds{14'999}, kWall, 0);
    EXPECT_TRUE(std::holds_alternative<Wait>(action));
    action = e.step(Got{record}, kStart + seconds{15}, kWall, 0);
    EXPECT_EQ(written(action).holder, "me");
    EXPECT_EQ(written(action).transitions, 4) << "a take-over counts";
    EXPECT_EQ(written(action).resource_version, "7");
  }
}

TEST(Election, ARenewalStartsTheWaitAnew) {
  Election e("me");
  e.step(Tick{}, kStart, kWall, 0);
  e.step(Got{held_by("other", "7")}, kStart, kWall, 0);
  e.step(Got{held_by("other", "8")}, kStart + seconds{14}, kWall, 0);
  EXPECT_TRUE(std::holds_alternative<Wait>(
      e.step(Got{held_by("other", "8")}, kStart + seconds{28}, kWall, 0)));
  EXPECT_TRUE(std::holds_alternative<Write>(
      e.step(Got{held_by("other", "8")}, kStart + seconds{29}, kWall, 0)));
}

TEST(Election, TheLeaderWritesFirstAndReadsOnlyWhenRefused) {
  Election e("me");
  lead(e, kStart);
  const Action renewal = e.step(Tick{}, kStart + seconds{2}, kWall, 0);
  EXPECT_EQ(written(renewal).resource_version, "1");
  EXPECT_EQ(written(renewal).transitions, 0);
  EXPECT_TRUE(std::holds_alternative<Read>(
      e.step(Failed{true}, kStart + seconds{2}, kWall, 0)));
  // Our own write had arrived after all: a timeout hid it.
  LeaseRecord ours = written(renewal);
  ours.resource_version = "2";
  const Action again = e.step(Got{ours}, kStart + seconds{3}, kWall, 0);
  EXPECT_EQ(written(again).resource_version, "2");
  EXPECT_TRUE(e.leads(kStart + seconds{3}));
}

TEST(Election, LosesWhenTheRenewDeadlinePasses) {
  Election e("me");
  lead(e, kStart);
  Mono now = kStart;
  Action action = e.step(Tick{}, now, kWall, 0);
  for (int tries = 0; tries < 20; ++tries) {
    ASSERT_TRUE(std::holds_alternative<Write>(action));
    action = e.step(Failed{}, now, kWall, 0.9);
    now = std::get<Wait>(action).until;
    action = e.step(Tick{}, now, kWall, 0.9);
    if (e.role() == Role::kLost) break;
  }
  EXPECT_EQ(e.role(), Role::kLost);
  EXPECT_EQ(now, kStart + seconds{10});
  EXPECT_TRUE(std::holds_alternative<Finish>(action));
  EXPECT_TRUE(std::holds_alternative<Finish>(e.step(Tick{}, now, kWall, 0)))
      << "losing is final";
}

TEST(Election, DoesNotLeadByTheClockWhileARenewalHangs) {
  Election e("me");
  lead(e, kStart);
  e.step(Tick{}, kStart + seconds{2}, kWall, 0);
  EXPECT_TRUE(e.leads(kStart + milliseconds{9'999}));
  EXPECT_FALSE(e.leads(kStart + seconds{10}));
  // The answer comes in the end: too late.
  e.step(Wrote{held_by("me", "2")}, kStart + seconds{11}, kWall, 0);
  EXPECT_EQ(e.role(), Role::kLost);
}

TEST(Election, CountsItsTimeFromBeforeTheWriteWasSent) {
  Election e("me");
  e.step(Tick{}, kStart, kWall, 0);
  LeaseRecord record = written(e.step(Got{std::nullopt}, kStart, kWall, 0));
  record.resource_version = "1";
  e.step(Wrote{record}, kStart + seconds{4}, kWall, 0);  // a slow server
  EXPECT_TRUE(e.leads(kStart + seconds{9}));
  EXPECT_FALSE(e.leads(kStart + seconds{10}));
}

TEST(Election, LosesToATakeOver) {
  Election e("me");
  lead(e, kStart);
  e.step(Tick{}, kStart + seconds{2}, kWall, 0);
  e.step(Failed{true}, kStart + seconds{2}, kWall, 0);
  e.step(Got{held_by("other", "9")}, kStart + seconds{2}, kWall, 0);
  EXPECT_EQ(e.role(), Role::kLost);
}

TEST(Election, ReleasesAndTriesAgainOnConflict) {
  Election e("me");
  lead(e, kStart);
  const Action release = e.step(Stop{}, kStart + seconds{1}, kWall, 0);
  EXPECT_EQ(written(release).holder, "");
  EXPECT_EQ(written(release).duration_seconds, 1);
  EXPECT_TRUE(std::holds_alternative<Read>(
      e.step(Failed{true}, kStart + seconds{1}, kWall, 0)));
  const Action again =
      e.step(Got{held_by("me", "5")}, kStart + seconds{1}, kWall, 0);
  EXPECT_EQ(written(again).holder, "");
  EXPECT_EQ(written(again).resource_version, "5");
  e.step(Wrote{written(again)}, kStart + seconds{1}, kWall, 0);
  EXPECT_EQ(e.role(), Role::kReleased);
}

TEST(Election, NeverReleasesWhatIsSomebodyElses) {
  Election e("me");
  lead(e, kStart);
  e.step(Stop{}, kStart, kWall, 0);
  e.step(Failed{true}, kStart, kWall, 0);
  EXPECT_TRUE(std::holds_alternative<Finish>(
      e.step(Got{held_by("other", "5")}, kStart, kWall, 0)));
  Election follower("me");
  EXPECT_TRUE(
      std::holds_alternative<Finish>(follower.step(Stop{}, kStart, kWall, 0)));
}

TEST(Election, GivesUpReleasingAfterAFewTries) {
  Election e("me");
  lead(e, kStart);
  Action action = e.step(Stop{}, kStart, kWall, 0);
  int writes = 0;
  while (!std::holds_alternative<Finish>(action) && writes < 20) {
    ++writes;
    e.step(Failed{}, kStart, kWall, 0);
    action = e.step(Stop{}, kStart, kWall, 0);
  }
  EXPECT_EQ(writes, 5);
}

TEST(Election, AReleasedLeaseIsTakenAtOnce) {
  Election e("me");
  e.step(Tick{}, kStart, kWall, 0);
  const Action action = e.step(Got{held_by("", "5")}, kStart, kWall, 0);
  EXPECT_EQ(written(action).holder, "me");
  EXPECT_EQ(written(action).transitions, 4);
}

// A server with three candidates whose calls fail, hang and arrive late, and
// whose wall clocks are off by hours: at no moment do two of them lead.
TEST(Election, NeverTwoLeadersUnderRandomFaults) {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto chance = [&random] {
      return std::uniform_real_distribution<double>(0, 1)(random);
    };
    struct Candidate {
      std::unique_ptr<Election> election;
      Wall wall_off{};
      Mono next_at{kStart};
      Input next{Tick{}};
    };
    std::optional<LeaseRecord> server;
    int version = 0;
    int names = 0;
    int reigns = 0;
    std::vector<Candidate> candidates(3);
    for (Candidate& c : candidates) {
      c.election = std::make_unique<Election>(std::to_string(++names));
    }
    for (Mono now = kStart; now < kStart + seconds{600};
         now += milliseconds{250}) {
      for (Candidate& c : candidates) {
        if (now < c.next_at) continue;
        const Role before = c.election->role();
        const Action action = c.election->step(
            c.next, now, kWall + std::chrono::hours{names % 5 - 2}, chance());
        if (before != Role::kLeading && c.election->role() == Role::kLeading) {
          ++reigns;
        }
        const auto slow = milliseconds{chance() < 0.1 ? 12'000 : 100};
        c.next_at = now + slow;
        if (const auto* wait = std::get_if<Wait>(&action)) {
          c.next_at = wait->until;
          c.next = Tick{};
        } else if (std::holds_alternative<Finish>(action)) {
          c.election = std::make_unique<Election>(std::to_string(++names));
          c.next = Tick{};  // the process starts again
        } else if (std::holds_alternative<Read>(action)) {
          c.next = chance() < 0.2 ? Input{Failed{}} : Input{Got{server}};
        } else {
          LeaseRecord record = std::get<Write>(action).record;
          const std::string held = server ? server->resource_version : "";
          if (chance() < 0.2) {
            c.next = Failed{};
            if (chance() < 0.5) continue;  // never arrived
          }
          if (record.resource_version != held) {
            c.next = Failed{true};
            continue;
          }
          record.resource_version = std::to_string(++version);
          server = record;
          if (!std::holds_alternative<Failed>(c.next)) c.next = Wrote{record};
        }
      }
      int leaders = 0;
      for (const Candidate& c : candidates) leaders += c.election->leads(now);
      ASSERT_LE(leaders, 1) << "after " << (now - kStart) / seconds{1} << " s";
    }
    ASSERT_GE(reigns, 1);
  }
}

}  // namespace
}  // namespace chrysalis::runtime
