// What becomes of events that a server refuses; those that one takes are in
// events_server_test.cc.

#include "controller/runtime/cluster/event_recorder.h"

#include <gtest/gtest.h>

#include "tests/controller/runtime/cluster/watched.h"
#include "tests/fakes/fake_timer.h"
#include "tests/fakes/scripted_transport.h"

namespace chrysalis::runtime::testing {
namespace {

EventNote note(const std::string& name, const std::string& reason = "Running") {
  EventNote out;
  out.key = {"going", name};
  out.uid = "uid-" + name;
  out.reason = reason;
  return out;
}

const std::string kTerminating =
    R"({"kind":"Status","reason":"Forbidden","code":403,"message":"no",)"
    R"("details":{"causes":[{"reason":"NamespaceTerminating"}]}})";

struct EventRecorderTest : ::testing::Test {
  // Told at once and sent in order; no time passes.
  EventRecorder::Counts tell(const std::vector<EventNote>& notes) {
    EventRecorder recorder(transport, timer, {"chrysalis.dev/agent", "n1"});
    for (const EventNote& one : notes) recorder.tell(one);
    EXPECT_TRUE(eventually([&] {
      const auto counts = recorder.counts();
      return counts.written + counts.refused + counts.failed >= notes.size();
    }));
    recorder.stop(timer.mono());
    return recorder.counts();
  }

  FakeTimer timer;
  fakes::ScriptedTransport transport;
};

TEST_F(EventRecorderTest, AForbiddenEventIsGivenUpAndHoldsUpNoOther) {
  transport.then(403, kTerminating).then(403, kTerminating).then(201, "{}");
  const auto counts = tell({note("a"), note("b"), note("c")});
  EXPECT_EQ(counts.refused, 2U);
  EXPECT_EQ(counts.written, 1U);
  EXPECT_EQ(counts.failed, 0U);
}

TEST_F(EventRecorderTest, SaysOnceAReasonThatEventsAreRefused) {
  for (int n = 0; n < 4; ++n) transport.then(403, kTerminating);
  ::testing::internal::CaptureStderr();
  tell({note("a"), note("b"), note("c", "Stopped"), note("d")});
  const std::string said = ::testing::internal::GetCapturedStderr();
  size_t lines = 0;
  for (size_t at = said.find("event refused"); at != std::string::npos;
       at = said.find("event refused", at + 1))
    ++lines;
  EXPECT_EQ(lines, 2U) << said;
}

TEST_F(EventRecorderTest, AServersFaultWithOneEventHoldsUpNoOther) {
  transport.then(500, "{}").then(201, "{}");
  const auto counts = tell({note("a"), note("b")});
  EXPECT_EQ(counts.failed, 1U);
  EXPECT_EQ(counts.written, 1U);
}

}  // namespace
}  // namespace chrysalis::runtime::testing
