// Events on a real server, and what becomes of them when nobody answers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/runtime/cluster/event_recorder.h"
#include "tests/controller/kube/server/environment.h"
#include "tests/controller/runtime/cluster/watched.h"
#include "tests/fakes/fake_timer.h"
#include "tests/fakes/scripted_transport.h"

namespace chrysalis::runtime::testing {
namespace {

using nlohmann::json;

EventNote note(const std::string& name, const std::string& message = "m") {
  EventNote out;
  out.key = {"default", name};
  out.uid = "uid-" + name;
  out.warning = true;
  out.reason = "RestoreRefused";
  out.action = "Restore";
  out.message = message;
  return out;
}

const EventSource kSource{"chrysalis.dev/agent", "n1"};

TEST(EventsOnServer, ARepeatedEventIsOneObjectWithACount) {
  LeapTimer timer;
  const auto transport =
      kube::testing::transport_as(kube::testing::As::kCertificate);
  EventRecorder recorder(*transport, timer, kSource);
  recorder.tell(note("vm-1"));
  ASSERT_TRUE(eventually([&] { return recorder.counts().written == 1; }));
  recorder.tell(note("vm-1"));
  ASSERT_TRUE(eventually([&] { return recorder.counts().written == 2; }));
  for (int i = 0; i < 3; ++i) recorder.tell(note("vm-1"));
  recorder.stop(timer.mono() + seconds(20));
  EXPECT_EQ(recorder.counts().written, 3U);

  const auto listed = kube::testing::server().kubectl(
      {"get", "events.events.k8s.io", "-o", "json"});
  const json all = json::parse(listed.out, nullptr, false);
  ASSERT_TRUE(all.is_object()) << listed.err;
  // The server tells events of its own in this namespace.
  std::vector<json> ours;
  for (const json& one : all["items"])
    if (one["regarding"]["kind"] == "VirtualMachine") ours.push_back(one);
  ASSERT_EQ(ours.size(), 1U) << all;
  const json& event = ours.front();
  EXPECT_EQ(event["series"]["count"], 5);
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_EQ(event["reason"], "RestoreRefused");
  EXPECT_EQ(event["regarding"]["name"], "vm-1");
  EXPECT_EQ(event["regarding"]["kind"], "VirtualMachine");
  EXPECT_EQ(event["reportingController"], kSource.controller);
}

TEST(EventRecorder, Case44_AnEventWhoseAnswerWasLostIsNotDoubled) {
  FakeTimer timer;
  fakes::ScriptedTransport transport;
  transport.then_fail(Code::kTimeout)
      .then(409, R"({"kind":"Status","reason":"AlreadyExists","code":409})");
  EventRecorder recorder(transport, timer, kSource);
  recorder.tell(note("vm-1"));
  // The pause after the failure, then the time of the retry.
  while (recorder.counts().written == 0) ASSERT_TRUE(timer.fire_next());
  recorder.stop(timer.mono());
  ASSERT_EQ(transport.requests.size(), 2U);
  EXPECT_EQ(transport.requests[0].body, transport.requests[1].body);
  EXPECT_EQ(recorder.counts().failed, 1U);
}

TEST(EventRecorder, StopWithoutTimeWritesNothingMoreAndCountsLateNotes) {
  FakeTimer timer;
  fakes::ScriptedTransport transport;
  transport.then_fail(Code::kUnavailable);
  EventRecorder recorder(transport, timer, kSource);
  recorder.tell(note("vm-1"));
  ASSERT_TRUE(timer.await_deadlines());  // it failed, and pauses
  recorder.stop(timer.mono());
  recorder.tell(note("vm-2"));
  EXPECT_EQ(transport.requests.size(), 1U);
  EXPECT_EQ(recorder.counts().dropped, 1U);
}

}  // namespace
}  // namespace chrysalis::runtime::testing
