#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/kube/event.h"
#include "controller/kube/lease.h"

namespace chrysalis::kube {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using testing::HasSubstr;

const Wall kTime = Wall{seconds{1796000000}} + microseconds{7};

TEST(Lease, IsReadAsItWasWritten) {
  const Lease lease{.ns = "kube-system",
                    .name = "agent-n1",
                    .resource_version = "5",
                    .annotations = {{"chrysalis.dev/node", "{}"}},
                    .holder = "n1",
                    .duration_seconds = 40,
                    .transitions = 3,
                    .acquire_time = kTime,
                    .renew_time = kTime + seconds(1)};
  EXPECT_EQ(encode_lease(lease), json::parse(R"({
    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
    "metadata": {"name": "agent-n1", "namespace": "kube-system",
                 "resourceVersion": "5",
                 "annotations": {"chrysalis.dev/node": "{}"}},
    "spec": {"holderIdentity": "n1", "leaseDurationSeconds": 40,
             "leaseTransitions": 3,
             "acquireTime": "2026-11-30T00:53:20.000007Z",
             "renewTime": "2026-11-30T00:53:21.000007Z"}})"));
  EXPECT_EQ(decode_lease(encode_lease(lease)), lease);
}

// Neither an empty holder nor a duration of 0 passes the server's validation.
TEST(Lease, LeavesOutWhatIsNotSet) {
  const Lease released{.ns = "a", .name = "b"};
  EXPECT_EQ(encode_lease(released).at("spec"),
            json::parse(R"({"leaseTransitions": 0})"));
  EXPECT_EQ(decode_lease(encode_lease(released)), released);
  EXPECT_EQ(read_lease(R"({"metadata": null})"), Lease{});
}

TEST(Lease, NamesTheMemberThatIsWrong) {
  const auto message = [](std::string_view text) {
    const auto lease = read_lease(text);
    return lease ? "" : lease.error().message;
  };
  EXPECT_EQ(message("[]"), "not an object");
  EXPECT_EQ(read_lease("{").error().code, Code::kCorrupt);
  EXPECT_EQ(read_lease(std::string(99, '[')).error().code, Code::kCorrupt);
  EXPECT_EQ(message(R"({"spec": 1})"), "spec: not an object");
  EXPECT_EQ(message(R"({"metadata": {"name": 1}})"),
            "metadata.name: not a string");
  EXPECT_EQ(message(R"({"metadata": {"annotations": {"x": 1}}})"),
            "metadata.annotations.x: not a string");
  EXPECT_THAT(message(R"({"spec": {"leaseTransitions": 3000000000}})"),
              HasSubstr("spec.leaseTransitions: not a whole number"));
  EXPECT_THAT(message(R"({"spec": {"leaseDurationSeconds": 1.5}})"),
              HasSubstr("spec.leaseDurationSeconds: not a whole number"));
  EXPECT_EQ(message(R"({"spec": {"renewTime": "yesterday"}})"),
            "spec.renewTime: not a time");
}

Event an_event() {
  return {.name = "web.17f",
          .subject = {.api_version = "chrysalis.dev/v1alpha1",
                      .kind = "VirtualMachine",
                      .ns = "team-a",
                      .name = "web",
                      .uid = "u-1",
                      .resource_version = "4"},
          .warning = true,
          .reason = "AttemptUsed",
          .action = "Restore",
          .note = "ask for attempt 3",
          .controller = "chrysalis.dev/agent",
          .instance = "chrysalis.dev/agent-n1",
          .at = kTime,
          .series = {}};
}

TEST(Event, IsEncodedForItsSubjectsNamespace) {
  EXPECT_EQ(encode_event(an_event()), json::parse(R"({
    "apiVersion": "events.k8s.io/v1", "kind": "Event",
    "metadata": {"name": "web.17f", "namespace": "team-a"},
    "eventTime": "2026-11-30T00:53:20.000007Z",
    "type": "Warning", "reason": "AttemptUsed", "action": "Restore",
    "note": "ask for attempt 3",
    "reportingController": "chrysalis.dev/agent",
    "reportingInstance": "chrysalis.dev/agent-n1",
    "regarding": {"apiVersion": "chrysalis.dev/v1alpha1",
                  "kind": "VirtualMachine", "namespace": "team-a",
                  "name": "web", "uid": "u-1", "resourceVersion": "4"}})"));
  EXPECT_EQ(event_namespace({.name = "n1"}), "default");
}

TEST(Event, CountsItsRepeats) {
  Event event = an_event();
  event.series = EventSeries{2, kTime};
  const json series = json::parse(
      R"({"count": 2, "lastObservedTime": "2026-11-30T00:53:20.000007Z"})");
  EXPECT_EQ(encode_event(event).at("series"), series);
  EXPECT_EQ(encode_series(*event.series), json({{"series", series}}));
}

TEST(Event, IsCutBetweenCharacters) {
  Event event = an_event();
  event.note = std::string(1023, 'x') + "\xC3\xA9";
  event.reason = std::string(200, 'R');
  EXPECT_EQ(encode_event(event).at("note"), std::string(1023, 'x'));
  EXPECT_EQ(encode_event(event).at("reason"), std::string(128, 'R'));
  event.note = std::string(1022, 'x') + "\xC3\xA9";
  EXPECT_EQ(encode_event(event).at("note"), event.note);
}

}  // namespace
}  // namespace chrysalis::kube
