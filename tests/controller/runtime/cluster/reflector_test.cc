// The reflector over a real socket, against a server that does on demand what
// a real one will not. Numbers are the cases of the watcher's table; what the
// machine alone decides is in tests/controller/kube/watch_step_test.cc.

#include "controller/runtime/cluster/reflector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "tests/controller/runtime/cluster/watched.h"
#include "tests/kube/certificates.h"

namespace chrysalis::runtime::testing {
namespace {

using kube::Counter;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// A WatchList of `a` at version 10, in a stream that goes on.
std::vector<std::string> initial() {
  return {event("ADDED", "a", "5"), bookmark("10", /*end=*/true)};
}
std::vector<std::string> initial_and(std::vector<std::string> more) {
  std::vector<std::string> out = initial();
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

WatchedOptions listing() { return {.watch_list = false}; }
WatchedOptions eager() {
  WatchedOptions out;
  out.reflector.watch.backoff_first = milliseconds(1);
  out.reflector.watch.backoff_cap = milliseconds(8);
  return out;
}

TEST(Reflector, Case02_ExpiredOnPageTwoShowsNoPartOfTheList) {
  Watched watched(
      {answer(200, list("10", "next", {object("a", "5")})),
       answer(410, refusal(410, "Expired")),
       answer(200, list("20", "", {object("b", "6"), object("c", "7")})),
       stays({})},
      listing());
  size_t seen_at_once = 0;
  watched.on_delivery = [&](const Delivery&) {
    seen_at_once = watched.store.core().size();
  };
  watched.reflector.start();
  ASSERT_TRUE(watched.server.wait_for(4));
  EXPECT_THAT(watched.held(),
              UnorderedElementsAre(Pair("b", "v"), Pair("c", "v")));
  EXPECT_EQ(seen_at_once, 2U);
  EXPECT_EQ(watched.store.core().version(), "20");
  const auto targets = watched.targets();
  EXPECT_THAT(targets[1], HasSubstr("continue=next"));
  EXPECT_THAT(targets[2], Not(HasSubstr("continue=")));
  EXPECT_THAT(targets[3],
              AllOf(HasSubstr("watch=true"), HasSubstr("resourceVersion=20")));
}

TEST(Reflector, Case07_EofAfterEventsResumesAtTheLastVersion) {
  Watched watched({ends(initial_and({event("MODIFIED", "a", "11", "w")})),
                   stays({event("DELETED", "a", "12")})});
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a ~a -a"));
  const auto targets = watched.targets();
  EXPECT_THAT(targets[1], AllOf(HasSubstr("resourceVersion=11"),
                                Not(HasSubstr("sendInitialEvents"))));
  EXPECT_EQ(watched.reflector.count(Counter::kRelists), 1U);
  EXPECT_EQ(watched.reflector.count(Counter::kBackoffs), 0U);
}

TEST(Reflector, Case08_EofAtOnceBacksOffAndDoesNotListAgain) {
  Watched watched({ends(initial()), ends({}), ends({}), ends({}), stays({})},
                  eager());
  watched.reflector.start();
  ASSERT_TRUE(watched.server.wait_for(5));
  EXPECT_EQ(watched.reflector.count(Counter::kBackoffs), 3U);
  EXPECT_EQ(watched.reflector.count(Counter::kRelists), 1U);
  for (size_t i = 1; i < 5; ++i)
    EXPECT_THAT(watched.targets()[i], HasSubstr("resourceVersion=10"));
}

TEST(Reflector, Case09_ARefusedConnectionKeepsTheStoreAndDoesNotList) {
  Watched watched({stays(initial())}, eager());
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a"));
  watched.server.stop();
  ASSERT_TRUE(eventually(
      [&] { return watched.reflector.count(Counter::kBackoffs) >= 4; }));
  EXPECT_EQ(watched.told(), "+a");
  EXPECT_TRUE(watched.reflector.synced());
  EXPECT_EQ(watched.reflector.count(Counter::kRelists), 1U);
}

TEST(Reflector, Case12_TooManyRequestsWaitsAsLongAsIsSaid) {
  Watched watched(
      {ends(initial_and({event("ADDED", "b", "11")})),
       answer(429, refusal(429, "TooManyRequests"), "Retry-After: 70\r\n"),
       stays({event("ADDED", "c", "12")})});
  watched.reflector.start();
  const auto left = watched.timer.await_wait(seconds(60));
  ASSERT_TRUE(left);
  EXPECT_EQ(watched.targets().size(), 2U);
  watched.timer.leap(*left);
  ASSERT_TRUE(watched.await_told("+a +b +c"));
  EXPECT_THAT(watched.targets()[2], HasSubstr("resourceVersion=11"));
}

std::vector<std::string> one_byte_each(const std::vector<std::string>& chunks) {
  std::vector<std::string> out;
  for (const std::string& chunk : chunks)
    for (const char c : chunk) out.emplace_back(1, c);
  return out;
}

TEST(Reflector, Case27_EventsCutAtEveryByteOfChunksAndTlsRecords) {
  const auto certificates = kube_tools::make_certificates();
  ASSERT_TRUE(certificates);
  const std::vector<std::string> chunks = one_byte_each(
      initial_and({event("MODIFIED", "a", "11", "w"), bookmark("12")}));
  for (const bool tls : {false, true}) {
    SCOPED_TRACE(tls);
    WatchedOptions options;
    if (tls) {
      options.tls = fakes::FakeTls{.certificate = certificates->server,
                                   .key = certificates->server_key,
                                   .client_ca = ""};
      options.ca = certificates->ca;
    }
    Watched watched({stays(chunks)}, options);
    watched.reflector.start();
    ASSERT_TRUE(watched.await_told("+a ~a"));
    ASSERT_TRUE(
        eventually([&] { return watched.store.core().version() == "12"; }));
    EXPECT_THAT(watched.held(), ElementsAre(Pair("a", "w")));
  }
}

TEST(Reflector, Case28_ManyEventsInAChunkALargeOneAndEmptyLines) {
  const std::string large(1'500'000, 'x');
  Watched watched(
      {stays({event("ADDED", "a", "5") + "\n\n" + bookmark("10", true) +
                  event("ADDED", "b", "11") + event("ADDED", "c", "12", large),
              "\n", event("DELETED", "b", "13")})});
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a +b +c -b"));
  EXPECT_EQ(watched.held()["c"], large);
}

TEST(Reflector, Case33_ASilentStreamIsGivenUpAndBegunAnew) {
  WatchedOptions options = eager();
  options.reflector.watch.watch_timeout = seconds(0);
  options.reflector.watch.idle_slack = seconds(1);
  Watched watched({stays(initial()), stays({event("ADDED", "b", "11")})},
                  options);
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a +b"));
  EXPECT_EQ(watched.reflector.count(Counter::kRelists), 1U);
}

TEST(Reflector, AStreamThatEndsInsideAnEventIsBrokenNotEnded) {
  const std::string whole = event("ADDED", "b", "11");
  Watched watched(
      {ends(initial_and({whole.substr(0, whole.size() / 2)})), stays({whole})},
      eager());
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a +b"));
  EXPECT_EQ(watched.reflector.count(Counter::kBackoffs), 1U);
  EXPECT_THAT(watched.targets()[1], HasSubstr("resourceVersion=10"));
}

TEST(Reflector, Case30_AnUndecodableObjectKeepsWhatTheStoreHasOfIt) {
  const std::string bad = R"({"type":"MODIFIED","object":{"apiVersion":)"
                          R"("coordination.k8s.io/v1","kind":"Lease",)"
                          R"("metadata":{"namespace":"ns","name":"a",)"
                          R"("uid":"uid-a","resourceVersion":"11"},)"
                          R"("spec":{"holderIdentity":7}}})"
                          "\n";
  const std::string bad_item =
      bad.substr(bad.find(R"({"apiVersion")"),
                 bad.rfind("}\n") - bad.find(R"({"apiVersion")"));
  WatchedOptions options = eager();
  options.watch_list = false;
  Watched watched(
      {answer(200, list("10", "", {object("a", "5")})),
       ends({bad, event("ADDED", "b", "12")}),
       answer(410, refusal(410, "Expired")),
       answer(200, list("20", "", {bad_item, object("c", "15")})), stays({})},
      options);
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a +b -b +c"));
  EXPECT_THAT(watched.held(), ElementsAre(Pair("a", "v"), Pair("c", "v")));
  EXPECT_EQ(watched.reflector.count(Counter::kUndecodable), 2U);
}

TEST(Reflector, AnObjectWhoseProjectionThrowsIsSkippedLikeAnUndecodableOne) {
  Watched watched({stays(initial_and(
      {event("MODIFIED", "a", "11", "THROW"), event("ADDED", "b", "12")}))});
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a +b"));
  EXPECT_THAT(watched.held(),
              UnorderedElementsAre(Pair("a", "v"), Pair("b", "v")));
  EXPECT_EQ(watched.reflector.count(Counter::kUndecodable), 1U);
}

TEST(Reflector, SyncedOnlyAfterTheHandlersOfTheFirstList) {
  bool told_when_synced = false;
  WatchedOptions options;
  Watched* self = nullptr;
  options.reflector.on_synced = [&] {
    told_when_synced = self->told() == "+a";
  };
  Watched watched({stays(initial())}, options);
  self = &watched;
  bool synced_when_told = true;
  watched.on_delivery = [&](const Delivery& delivery) {
    EXPECT_TRUE(delivery.initial);
    synced_when_told = watched.reflector.synced();
  };
  EXPECT_FALSE(watched.reflector.synced());
  watched.reflector.start();
  ASSERT_TRUE(
      watched.reflector.wait_until_synced(watched.timer.mono() + seconds(20)));
  EXPECT_FALSE(synced_when_told);
  watched.reflector.stop();
  EXPECT_TRUE(told_when_synced);
}

TEST(Reflector, WaitingForTheSyncEndsAtItsDeadlineAndByAStop) {
  Watched watched({});  // never answers
  watched.reflector.start();
  EXPECT_FALSE(watched.reflector.wait_until_synced(watched.timer.mono()));
  watched.reflector.stop();
  EXPECT_FALSE(watched.reflector.wait_until_synced(watched.timer.mono() +
                                                   seconds(1000)));
}

TEST(Reflector, Case34_StopEndsEveryPhase) {
  {
    Watched never_started({});
  }
  {
    Watched in_list({}, listing());
    in_list.reflector.start();
    ASSERT_TRUE(in_list.server.wait_for(1));
  }
  {
    Watched in_watch({stays(initial())});
    in_watch.reflector.start();
    ASSERT_TRUE(in_watch.await_told("+a"));
  }
  {
    Watched in_backoff({answer(500, refusal(500, "InternalError"))});
    in_backoff.reflector.start();
    ASSERT_TRUE(in_backoff.timer.await_wait(milliseconds(1)));
  }
}

TEST(Reflector, Case34_StopWaitsForTheHandlerAndNoneIsCalledAfterIt) {
  Watched watched({stays(
      initial_and({event("ADDED", "b", "11"), event("ADDED", "c", "12")}))});
  std::latch entered(1);
  std::latch leave(1);
  watched.on_delivery = [&](const Delivery& delivery) {
    if (delivery.key.name != "b") return;
    entered.count_down();
    leave.wait();
  };
  watched.reflector.start();
  entered.wait();
  std::thread stopper([&] { watched.reflector.stop(); });
  leave.count_down();
  stopper.join();
  const std::string told = watched.told();
  EXPECT_THAT(told, StartsWith("+a +b"));
  watched.server.stop();
  EXPECT_EQ(watched.told(), told);
}

TEST(Reflector, Case43_TheGateOfAWriteOpensWhenABookmarkPassesIt) {
  std::latch wrote(1);
  Watched watched({[&](const auto& seen, auto& reply) {
    reply.open_stream();
    for (const std::string& chunk : initial()) reply.chunk(chunk);
    wrote.wait();
    reply.chunk(bookmark("11"));
    reply.chunk(bookmark("13"));
    reply.wait_for_client_to_close();
    (void)seen;
  }});
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a"));
  const ObjectKey key{"ns", "a"};
  watched.store.core().wrote(key, "12", watched.timer.mono());
  EXPECT_TRUE(watched.store.core().held_until(key, watched.timer.mono()));
  wrote.count_down();
  ASSERT_TRUE(watched.await_told("+a *a"));
  EXPECT_FALSE(watched.store.core().held_until(key, watched.timer.mono()));
}

// The state before our write is still what the store has of it: whatever is
// planned on it carries version 5, and is refused.
TEST(Reflector, Case43_AnUndecodableAnswerToAWriteOpensItsGateToo) {
  std::latch wrote(1);
  Watched watched({[&](const auto&, auto& reply) {
    reply.open_stream();
    for (const std::string& chunk : initial()) reply.chunk(chunk);
    wrote.wait();
    std::string bad = event("MODIFIED", "a", "12", "BAD");
    bad.replace(bad.find("\"BAD\""), 5, "7");
    reply.chunk(bad);
    reply.wait_for_client_to_close();
  }});
  watched.reflector.start();
  ASSERT_TRUE(watched.await_told("+a"));
  const ObjectKey key{"ns", "a"};
  watched.store.core().wrote(key, "12", watched.timer.mono());
  wrote.count_down();
  ASSERT_TRUE(watched.await_told("+a *a"));
  EXPECT_FALSE(watched.store.core().held_until(key, watched.timer.mono()));
  EXPECT_THAT(watched.held(), ElementsAre(Pair("a", "v")));
}

}  // namespace
}  // namespace chrysalis::runtime::testing
