#include "controller/kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/scripted_transport.h"

namespace chrysalis::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Resource kVms{"chrysalis.dev", "v1alpha1", "virtualmachines",
                        "VirtualMachine"};
constexpr const char* kVm =
    R"({"apiVersion":"chrysalis.dev/v1alpha1","kind":"VirtualMachine",)"
    R"("metadata":{"namespace":"a","name":"web","resourceVersion":"42"}})";

std::string page(const std::string& version, const std::string& token,
                 const std::string& items) {
  return R"({"apiVersion":"chrysalis.dev/v1alpha1",)"
         R"("kind":"VirtualMachineList","metadata":{"resourceVersion":")" +
         version + R"(","continue":")" + token + R"("},"items":[)" + items +
         "]}";
}

class ClientTest : public testing::Test {
 protected:
  FakeClock clock_;
  fakes::ScriptedTransport transport_;
  std::stop_source stop_;
  std::vector<milliseconds> waits_;
  ClientOptions options_{.pages_max = 4,
                         .wait = [this](milliseconds time, const auto& stop) {
                           waits_.push_back(time);
                           clock_.advance(time);
                           return !stop.stop_requested();
                         }};
  Client client_{transport_, clock_, stop_.get_token(), options_};

  Code code_of_get() {
    const auto got = client_.get(kVms, {"a", "web"});
    EXPECT_FALSE(got);
    return got ? Code::kCorrupt : got.error().code;
  }
};

TEST_F(ClientTest, GivesMetadataAndTextOfAnObject) {
  transport_.then(200, kVm);
  const auto got = client_.get(kVms, {"a", "web"});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->meta.resource_version, "42");
  EXPECT_EQ(got->json().text(), kVm);
  EXPECT_EQ(transport_.deadlines.at(0), clock_.mono() + seconds(30));
}

TEST_F(ClientTest, RefusesAnotherKind) {
  transport_.then(200, R"({"apiVersion":"v1","kind":"Pod","metadata":{}})");
  EXPECT_EQ(code_of_get(), Code::kCorrupt);
}

TEST_F(ClientTest, SaysTheServersWords) {
  transport_.then(
      409,
      R"({"kind":"Status","code":409,"reason":"Conflict","message":"no"})");
  const auto written = client_.apply_status(kVms, {{"a", "web"}, "41"}, {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kConflict);
  EXPECT_EQ(written.error().message, "409 Conflict: no");
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(ClientTest, DoesNotRetryWhatDidNotAnswer) {
  transport_.then_fail(Code::kTimeout).then(200, kVm);
  EXPECT_EQ(code_of_get(), Code::kTimeout);
  EXPECT_EQ(transport_.requests.size(), 1U);
}

TEST_F(ClientTest, WaitsAsLongAsATooManyRequestsSays) {
  transport_.then(429, "", seconds(7)).then(429).then(201, kVm);
  ASSERT_TRUE(client_.create(kVms, "a", {}));
  EXPECT_THAT(waits_, ElementsAre(seconds(7), seconds(2)));
}

TEST_F(ClientTest, RetriesAServersErrorOnlyWithRetryAfterAndNeverOfAPost) {
  transport_.then(503, "", seconds(1)).then(200, kVm);
  ASSERT_TRUE(client_.get(kVms, {"a", "web"}));
  transport_.then(503).then(200, kVm);
  EXPECT_EQ(code_of_get(), Code::kUnavailable);
  transport_.answers.clear();
  transport_.then(503, "", seconds(1)).then(201, kVm);
  EXPECT_FALSE(client_.create(kVms, "a", {}));
  EXPECT_THAT(waits_, ElementsAre(seconds(1)));
}

TEST_F(ClientTest, RetriesABoundedNumberOfTimes) {
  for (int i = 0; i < 9; ++i) transport_.then(429, "", seconds(1));
  EXPECT_EQ(code_of_get(), Code::kUnavailable);
  EXPECT_EQ(transport_.requests.size(), 5U);
}

TEST_F(ClientTest, DoesNotWaitPastItsDeadline) {
  transport_.then(429, "", seconds(30)).then(200, kVm);
  EXPECT_EQ(code_of_get(), Code::kUnavailable);
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(ClientTest, AStopEndsAWait) {
  stop_.request_stop();
  EXPECT_EQ(code_of_get(), Code::kUnavailable);
  EXPECT_FALSE(wait_in_real_time(seconds(60), stop_.get_token()));
  EXPECT_TRUE(wait_in_real_time(milliseconds(1), {}));
}

TEST_F(ClientTest, RefreshesTheCredentialOnceOnUnauthorized) {
  transport_.then(401).then(200, kVm).then(401).then(401);
  ASSERT_TRUE(client_.get(kVms, {"a", "web"}));
  EXPECT_EQ(transport_.refreshed, 1);
  EXPECT_EQ(code_of_get(), Code::kUnavailable);
  EXPECT_EQ(transport_.refreshed, 2);
  EXPECT_THAT(waits_, IsEmpty());
}

// A DELETE or a PUT of "" would be one of the collection.
TEST_F(ClientTest, RefusesToWriteWithoutANameOrAVersion) {
  const std::vector<Result<>> refused = {
      client_.remove(kVms, {"a", ""}),
      client_.remove(kVms, {"a", ".."}),
      client_.remove(kVms, {".", "x"}),
      client_.apply_status(kVms, {{"a", "x"}, ""}, {}).map([](auto&&) {}),
      client_.set_finalizers(kVms, {{"a", ""}, "1"}, {}).map([](auto&&) {}),
      client_.replace_lease({.ns = "a", .name = "x"}).map([](auto&&) {})};
  for (const auto& result : refused) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kInvalid);
  }
  EXPECT_THAT(transport_.requests, IsEmpty());
}

TEST_F(ClientTest, ListsByPages) {
  transport_.then(200, page("7", "t1", kVm)).then(200, page("7", "", kVm));
  const auto list = client_.list({.resource = kVms});
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->resource_version, "7");
  ASSERT_EQ(list->items.size(), 2U);
  EXPECT_EQ(list->items[1].meta.name, "web");
  EXPECT_THAT(transport_.requests.at(0).target, HasSubstr("?limit=500"));
  EXPECT_THAT(transport_.requests.at(1).target, HasSubstr("continue=t1"));
}

TEST_F(ClientTest, ListsAgainFromTheStartWhenAPageExpired) {
  transport_.then(200, page("7", "t1", kVm))
      .then(410)
      .then(200, page("9", "", kVm));
  const auto list = client_.list({.resource = kVms});
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->resource_version, "9");
  EXPECT_EQ(list->items.size(), 1U);
}

TEST_F(ClientTest, GivesUpOnAListThatNeverEnds) {
  for (int i = 0; i < 9; ++i) transport_.then(200, page("7", "t", kVm));
  const auto list = client_.list({.resource = kVms});
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, Code::kCorrupt);
  EXPECT_EQ(transport_.requests.size(), 4U);
}

TEST_F(ClientTest, ReadsWritesAndCreatesLeases) {
  const Lease lease{.ns = "a",
                    .name = "l",
                    .resource_version = "3",
                    .annotations = {},
                    .holder = "me"};
  const std::string text = encode_lease(lease).dump();
  transport_.then(200, text).then(201, text).then(200, text).then(404);
  EXPECT_EQ(client_.get_lease({"a", "l"}), lease);
  EXPECT_EQ(client_.create_lease(lease), lease);
  EXPECT_EQ(client_.replace_lease(lease), lease);
  const auto absent = client_.get_lease({"a", "l"});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Code::kNotFound);
}

TEST_F(ClientTest, TellsEvents) {
  const Event event{.name = "web.1", .subject = {.ns = "a", .name = "web"}};
  transport_.then(201, "{}").then(200, "{}");
  ASSERT_TRUE(client_.create_event(event)->ok());
  ASSERT_TRUE(client_.patch_event(event, {.count = 2})->ok());
  EXPECT_THAT(transport_.requests.at(0).target,
              HasSubstr("/apis/events.k8s.io/v1/namespaces/a/events?"));
  EXPECT_THAT(transport_.requests.at(1).target, HasSubstr("/events/web.1?"));
}

TEST_F(ClientTest, TellsWhatAnEventWasRefusedWith) {
  const Event event{.name = "web.1", .subject = {.ns = "a", .name = "web"}};
  transport_.then(403, R"({"kind":"Status","reason":"Forbidden","code":403})")
      .then_fail(Code::kTimeout);
  const auto refused = client_.create_event(event);
  ASSERT_TRUE(refused);
  EXPECT_EQ(classify(status_of(*refused)), Refusal::kForbidden);
  const auto unheard = client_.create_event(event);
  ASSERT_FALSE(unheard);
  EXPECT_EQ(unheard.error().code, Code::kTimeout);
}

TEST_F(ClientTest, LogsAWarningOnce) {
  for (int i = 0; i < 2; ++i) {
    transport_.then(200, kVm);
    transport_.answers.back()->warnings = {"v1alpha1 is old"};
  }
  testing::internal::CaptureStderr();
  ASSERT_TRUE(client_.get(kVms, {"a", "web"}));
  ASSERT_TRUE(client_.get(kVms, {"a", "web"}));
  const std::string log = testing::internal::GetCapturedStderr();
  const auto first = log.find("v1alpha1 is old");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("v1alpha1 is old", first + 1), std::string::npos);
}

TEST(UserAgent, NamesProgramVersionPlatformAndPart) {
  EXPECT_THAT(
      user_agent("0.1.0", "agent"),
      testing::MatchesRegex("chrysalis/0\\.1\\.0 \\(linux/[a-z0-9]+\\) agent"));
}

}  // namespace
}  // namespace chrysalis::kube
