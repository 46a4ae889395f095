// The watcher's cases whose point is the wire, over Beast and a scripted
// server; the machine's own tests have all of them as pure scripts. Numbers
// are those of the reference table that watch_step_test.cc follows.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "controller/kube/beast/beast_transport.h"
#include "tests/controller/kube/wire/follower.h"
#include "tests/fakes/fake_kube.h"
#include "tests/kube/certificates.h"

namespace chrysalis::kube::testing {
namespace {

using beast::BeastTransport;
using fakes::FakeKube;
using fakes::Reply;
using fakes::SeenRequest;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

const SystemClock kClock;
constexpr Resource kVms{"chrysalis.dev", "v1alpha1", "virtualmachines",
                        "VirtualMachine"};

std::string vm(const std::string& name, int version,
               const std::string& more = "") {
  return R"({"apiVersion":"chrysalis.dev/v1alpha1","kind":"VirtualMachine",)"
         R"("metadata":{"namespace":"ns","name":")" +
         name + R"(","resourceVersion":")" + std::to_string(version) + "\"}" +
         more + "}";
}
std::string line(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
std::string end_mark(int version) {
  return line("BOOKMARK",
              R"({"apiVersion":"chrysalis.dev/v1alpha1",)"
              R"("kind":"VirtualMachine","metadata":{"resourceVersion":")" +
                  std::to_string(version) +
                  R"(","annotations":{"k8s.io/initial-events-end":"true"}}})");
}
std::string page(int version, const std::string& next,
                 const std::string& items) {
  return R"({"apiVersion":"chrysalis.dev/v1alpha1",)"
         R"("kind":"VirtualMachineList","metadata":{"resourceVersion":")" +
         std::to_string(version) + R"(","continue":")" + next +
         R"("},"items":[)" + items + "]}";
}
std::string status(int code, const std::string& reason,
                   const std::string& details = "{}") {
  return R"({"apiVersion":"v1","kind":"Status","status":"Failure","code":)" +
         std::to_string(code) + R"(,"reason":")" + reason + R"(","details":)" +
         details + "}";
}

std::unique_ptr<BeastTransport> transport_to(const Access& access) {
  auto made = BeastTransport::make(access, kClock);
  EXPECT_TRUE(made);
  return *std::move(made);
}
std::unique_ptr<BeastTransport> transport_to(const FakeKube& server) {
  Access access;
  access.server = server.url();
  return transport_to(access);
}

// A scripted server that says the next thing at each list and each watch.
using Said = std::function<void(Reply&)>;
FakeKube::Script script(std::vector<Said> lists, std::vector<Said> watches) {
  auto left = std::make_shared<std::pair<std::vector<Said>, std::vector<Said>>>(
      std::move(lists), std::move(watches));
  return [left](const SeenRequest& request, Reply& reply) {
    const bool is_watch =
        request.target.find("watch=true") != std::string::npos;
    auto& said = is_watch ? left->second : left->first;
    if (said.empty()) return reply.answer(500, "beyond the script");
    const Said now = said.front();
    said.erase(said.begin());
    now(reply);
  };
}
Said answer(int code, const std::string& body, const std::string& head = "") {
  return [=](Reply& reply) { reply.answer(code, body, head); };
}
// A watch that says this and ends.
Said tells(const std::string& body) {
  return [=](Reply& reply) {
    reply.open_stream();
    if (!body.empty()) reply.chunk(body);
    reply.end_stream();
  };
}
// A watch that says this and stays.
Said goes_on(const std::string& body) {
  return [=](Reply& reply) {
    reply.open_stream();
    if (!body.empty()) reply.chunk(body);
    reply.wait_for_client_to_close();
  };
}

std::vector<std::string> targets(const FakeKube& server, bool watches) {
  std::vector<std::string> out;
  for (const SeenRequest& request : server.requests())
    if ((request.target.find("watch=true") != std::string::npos) == watches)
      out.push_back(request.target);
  return out;
}

const WatchOptions kByLists{.watch_list = false};

TEST(WatchOnTheWire, Case02_ExpiredOnPageTwoListsAnewAndShowsNothing) {
  FakeKube server(
      script({answer(200, page(7, "t1", vm("a", 1))),
              answer(410, status(410, "Expired")),
              answer(200, page(9, "", vm("b", 2) + "," + vm("c", 3)))},
             {goes_on("")}));
  const auto transport = transport_to(server);
  Follower follower(*transport, {.resource = kVms}, kByLists);
  ASSERT_TRUE(follower.follow_until([&] { return follower.state().synced; }));
  EXPECT_THAT(follower.log(),
              ElementsAre("list ", "stage 1, store 0", "list ", "list ",
                          "stage 2, store 0", "swap 2", "watch 9"));
  EXPECT_THAT(follower.store(),
              ElementsAre(Pair("ns/b", "2"), Pair("ns/c", "3")));
  EXPECT_THAT(targets(server, false).at(1), HasSubstr("continue=t1"));
  EXPECT_THAT(targets(server, false).at(2), Not(HasSubstr("continue")));
}

TEST(WatchOnTheWire, Case07_EofAfterEventsResumesAtLastVersion) {
  FakeKube server(script({answer(200, page(7, "", vm("a", 1)))},
                         {tells(line("MODIFIED", vm("a", 12))),
                          goes_on(line("DELETED", vm("a", 13)))}));
  const auto transport = transport_to(server);
  Follower follower(*transport, {.resource = kVms}, kByLists);
  ASSERT_TRUE(follower.follow_until(
      [&] { return follower.logged("remove ns/a") == 1; }));
  EXPECT_THAT(targets(server, true),
              ElementsAre(HasSubstr("resourceVersion=7"),
                          HasSubstr("resourceVersion=12")));
  EXPECT_EQ(targets(server, false).size(), 1U);
  EXPECT_THAT(follower.backoffs(), IsEmpty());
}

TEST(WatchOnTheWire, Case08_EofAtOnceBacksOffMoreEachTimeWithoutList) {
  FakeKube server(script({answer(200, page(7, "", vm("a", 1)))},
                         {tells(""), tells(""), tells(""),
                          goes_on(line("MODIFIED", vm("a", 8)))}));
  const auto transport = transport_to(server);
  Follower follower(*transport, {.resource = kVms}, kByLists);
  ASSERT_TRUE(follower.follow_until(
      [&] { return follower.logged("upsert ns/a") == 1; }));
  EXPECT_THAT(
      follower.backoffs(),
      ElementsAre(milliseconds(800), milliseconds(1600), milliseconds(3200)));
  EXPECT_EQ(targets(server, false).size(), 1U);
  EXPECT_THAT(targets(server, true), Each(HasSubstr("resourceVersion=7")));
}

TEST(WatchOnTheWire, Case09_RefusedConnectionBacksOffWithoutList) {
  FakeKube server(
      script({answer(200, page(7, "", vm("a", 1)))}, {goes_on("")}));
  const auto transport = transport_to(server);
  Follower follower(*transport, {.resource = kVms}, kByLists);
  bool stopped = false;
  ASSERT_TRUE(follower.follow_until([&] {
    if (!stopped && server.requests().size() == 2) {
      server.stop();
      stopped = true;
    }
    return follower.backoffs().size() == 3;
  }));
  EXPECT_THAT(
      follower.backoffs(),
      ElementsAre(milliseconds(800), milliseconds(1600), milliseconds(3200)));
  EXPECT_EQ(follower.logged("list "), 1);
  EXPECT_THAT(follower.store(), ElementsAre(Pair("ns/a", "1")));
}

TEST(WatchOnTheWire, Case12_TooManyRequestsWaitsAtLeastThatLong) {
  FakeKube server(script(
      {answer(200, page(7, "", vm("a", 1)))},
      {answer(429, status(429, "TooManyRequests"), "Retry-After: 77\r\n"),
       goes_on(line("ERROR", status(429, "TooManyRequests",
                                    R"({"retryAfterSeconds":88})"))),
       goes_on(line("MODIFIED", vm("a", 8)))}));
  const auto transport = transport_to(server);
  Follower follower(*transport, {.resource = kVms}, kByLists);
  ASSERT_TRUE(follower.follow_until(
      [&] { return follower.logged("upsert ns/a") == 1; }));
  EXPECT_THAT(follower.backoffs(), ElementsAre(seconds(77), seconds(88)));
  EXPECT_EQ(targets(server, false).size(), 1U);
  EXPECT_THAT(targets(server, true), Each(HasSubstr("resourceVersion=7")));
}

// Initial events, the end mark and two changes: what every cutting of this
// text must come to.
std::string whole_watch() {
  return line("ADDED", vm("a", 3)) + line("ADDED", vm("b\\u00e9", 2)) +
         end_mark(4) + line("MODIFIED", vm("a", 5)) +
         line("DELETED", vm("b\\u00e9", 6));
}
void expect_whole_watch(Transport& transport) {
  Follower follower(transport, {.resource = kVms});
  ASSERT_TRUE(follower.follow_until(
      [&] { return follower.state().store_version == "6"; }));
  EXPECT_THAT(
      follower.log(),
      ElementsAre("initial watch ", "stage 1, store 0", "stage 2, store 0",
                  "swap 2", "upsert ns/a", "remove ns/b\xC3\xA9"));
  EXPECT_THAT(follower.store(), ElementsAre(Pair("ns/a", "5")));
}

TEST(WatchOnTheWire, Case27_CutInTwoAtEveryByteIsTheSame) {
  const std::string text = whole_watch();
  std::atomic<size_t> cut = 1;
  FakeKube server([&](const SeenRequest&, Reply& reply) {
    reply.open_stream();
    reply.chunk(text.substr(0, cut));
    reply.chunk(text.substr(cut));
    reply.wait_for_client_to_close();
  });
  const auto transport = transport_to(server);
  for (; cut < text.size() && !::testing::Test::HasFailure(); ++cut)
    expect_whole_watch(*transport);
}

TEST(WatchOnTheWire, Case27_AByteAChunkAndATlsRecordIsTheSame) {
  const auto certificates = kube_tools::make_certificates();
  ASSERT_TRUE(certificates);
  FakeKube server(
      [](const SeenRequest&, Reply& reply) {
        reply.open_stream();
        for (const char c : whole_watch()) reply.chunk(std::string(1, c));
        reply.wait_for_client_to_close();
      },
      fakes::FakeTls{certificates->server, certificates->server_key, ""});
  Access access;
  access.server = server.url();
  access.ca.data = certificates->ca;
  expect_whole_watch(*transport_to(access));
}

TEST(WatchOnTheWire, Case28_ManyEventsInAChunkEmptyLinesAndAHugeOne) {
  const std::string huge =
      R"(,"spec":{"x":")" + std::string(1'500'000, 'x') + "\"}";
  FakeKube server(script(
      {}, {goes_on("\n" + line("ADDED", vm("a", 1)) + "\n\n" +
                   line("ADDED", vm("b", 2)) + line("ADDED", vm("c", 3, huge)) +
                   end_mark(4) + "\r\n" + line("MODIFIED", vm("c", 5, huge)) +
                   line("DELETED", vm("a", 6)))}));
  const auto transport = transport_to(server);
  Follower follower(*transport, {.resource = kVms});
  ASSERT_TRUE(follower.follow_until(
      [&] { return follower.state().store_version == "6"; }));
  EXPECT_THAT(follower.store(),
              ElementsAre(Pair("ns/b", "2"), Pair("ns/c", "5")));
  EXPECT_THAT(follower.backoffs(), IsEmpty());
}

}  // namespace
}  // namespace chrysalis::kube::testing
