#include "controller/kube/decode.h"

#include <gtest/gtest.h>

#include <random>

namespace chrysalis::kube {
namespace {

const KindName kVm{"chrysalis.dev/v1alpha1", "VirtualMachine"};

std::string vm_json(const std::string& name, const std::string& more = {}) {
  return R"({"apiVersion":"chrysalis.dev/v1alpha1","kind":"VirtualMachine",)"
         R"("metadata":{"name":")" +
         name +
         R"(","namespace":"ns","uid":"u-1","resourceVersion":"7",)"
         R"("generation":3,"deletionTimestamp":"2026-11-24T09:00:00Z",)"
         R"("finalizers":["a/b","c/d"],"managedFields":[{"f:x":{}}]})" +
         more + "}";
}
std::string event_json(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}";
}

Result<WatchEvent> decode(const std::string& line) {
  Decoder decoder(kVm);
  static PaddedCopy kept{""};  // views of the result live in it
  kept = PaddedCopy(line);
  return decoder.event(kept.json());
}

TEST(Decode, ReadsMetadataAndTheObjectsText) {
  const std::string object = vm_json("a", R"(,"spec":{"x":[1,{"y":"}"}]})");
  const auto event = decode(event_json("MODIFIED", object));
  ASSERT_TRUE(event.has_value()) << event.error().message;
  EXPECT_EQ(event->type, EventType::kModified);
  EXPECT_EQ(event->meta.key(), "ns/a");
  EXPECT_EQ(event->meta.uid, "u-1");
  EXPECT_EQ(event->meta.resource_version, "7");
  EXPECT_EQ(event->meta.generation, 3);
  EXPECT_EQ(event->meta.deletion_timestamp, "2026-11-24T09:00:00Z");
  EXPECT_EQ(event->meta.finalizers, (std::vector<std::string>{"a/b", "c/d"}));
  EXPECT_EQ(event->object.text(), object);
  EXPECT_EQ(event->fault, "");
}

TEST(Decode, TheOrderOfMembersDoesNotMatter) {
  const auto event =
      decode(R"({"object":)" + vm_json("a") + R"(,"type":"DELETED"})");
  ASSERT_TRUE(event.has_value()) << event.error().message;
  EXPECT_EQ(event->type, EventType::kDeleted);
  EXPECT_EQ(event->meta.name, "a");
}

TEST(Decode, BookmarkWithItsEndMark) {
  const auto with_annotations = [](const std::string& annotations) {
    return decode(event_json(
        "BOOKMARK",
        R"({"kind":"VirtualMachine","apiVersion":"chrysalis.dev/v1alpha1",)"
        R"("metadata":{"resourceVersion":"99","annotations":{)" +
            annotations + R"(}},"spec":null})"));
  };
  const auto end =
      with_annotations(R"("a":"b","k8s.io/initial-events-end":"true")");
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(end->meta.resource_version, "99");
  EXPECT_TRUE(end->initial_events_end);
  EXPECT_FALSE(with_annotations("")->initial_events_end);
}

TEST(Decode, ErrorEventCarriesItsStatus) {
  const auto event = decode(event_json(
      "ERROR", R"({"kind":"Status","code":410,"reason":"Expired",)"
               R"("message":"too old","details":{"retryAfterSeconds":3,)"
               R"("causes":[{"reason":"R","field":"f","message":"m"}]}})"));
  ASSERT_TRUE(event.has_value()) << event.error().message;
  EXPECT_EQ(classify(event->status), Refusal::kExpired);
  EXPECT_EQ(event->status.retry_after, seconds(3));
  EXPECT_EQ(event->status.causes, (std::vector<StatusCause>{{"R", "f", "m"}}));
}

TEST(Decode, Case29_HostileObjectsAreNamedAndNothingBreaks) {
  const std::string deep(2000, '[');
  const std::string deep_end(2000, ']');
  const std::pair<std::string, std::string> rows[] = {
      {R"(,"spec":{"s":"\u0041\ud83d\ude00\"\\"})", ""},
      {R"(,"spec":{"n":123456789012345678901234567890123456789e999})", ""},
      {R"(,"spec":{"a":1,"a":2,"a":{"a":3}})", ""},
      {",\"spec\":{\"bad\":\"\xff\xfe\"}", "invalid UTF-8"}};
  for (const auto& [more, fault] : rows) {
    const auto event = decode(event_json("ADDED", vm_json("a", more)));
    ASSERT_TRUE(event.has_value()) << more << event.error().message;
    EXPECT_EQ(event->meta.key(), "ns/a") << more;
    EXPECT_EQ(event->fault, fault) << more;
  }
  // Deeper than the parser allows: refused or named, never a crash.
  const auto nested =
      decode(event_json("ADDED", vm_json("a", ",\"spec\":" + deep + deep_end)));
  EXPECT_TRUE(!nested || nested->meta.name == "a");
}

TEST(Decode, Case29_AByteChangedAnywhereNeverCrashes) {
  const std::string line =
      event_json("ADDED", vm_json("a", R"(,"spec":{"x":[1,"\u00e9"]})"));
  std::mt19937 random(29);
  for (size_t at = 0; at < line.size(); ++at)
    for (int i = 0; i < 8; ++i) {
      std::string bad = line;
      bad[at] = static_cast<char>(random());
      (void)decode(bad);
      (void)decode(line.substr(0, at));
    }
}

TEST(Decode, Case29_DuplicateMetadataMembersTakeTheLast) {
  const auto event = decode(
      event_json("ADDED", R"({"kind":"VirtualMachine","metadata":{"name":"a",)"
                          R"("name":"b","uid":5,"generation":1e400}})"));
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->meta.name, "b");
  EXPECT_EQ(event->meta.uid, "");
}

TEST(Decode, Case30_ABadObjectAmongGoodOnesIsNamed) {
  const std::string body =
      R"({"kind":"VirtualMachineList","apiVersion":"chrysalis.dev/v1alpha1",)"
      R"("metadata":{"resourceVersion":"50","continue":"next"},"items":[)" +
      vm_json("a") + "," + vm_json("b", ",\"spec\":\"\xff\"") + "," +
      R"({"kind":"VirtualMachine","metadata":{}})" + "," + vm_json("c") + "]}";
  std::vector<std::pair<std::string, std::string>> seen;
  Decoder decoder(kVm);
  const PaddedCopy copy(body);
  const auto page = decoder.page(copy.json(), [&](ListItem&& item) {
    seen.emplace_back(item.meta.name, item.fault);
  });
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_EQ(page->resource_version, "50");
  EXPECT_EQ(page->continue_token, "next");
  EXPECT_EQ(seen, (std::vector<std::pair<std::string, std::string>>{
                      {"a", ""},
                      {"b", "invalid UTF-8"},
                      {"", "object without a name"},
                      {"c", ""}}));
}

TEST(Decode, Case31_TableAndForeignKindsAreRefusedLoudly) {
  const auto table = decode(event_json(
      "ADDED", R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[]})"));
  ASSERT_FALSE(table.has_value());
  EXPECT_EQ(table.error().message,
            "expected a VirtualMachine, got meta.k8s.io/v1 Table");
  EXPECT_FALSE(decode(event_json("RENAMED", vm_json("a"))).has_value());
  EXPECT_FALSE(decode("[]").has_value());
  EXPECT_FALSE(decode("{}").has_value());
  EXPECT_FALSE(decode("").has_value());
  Decoder decoder(kVm);
  const PaddedCopy pods(R"({"kind":"PodList","metadata":{},"items":[]})");
  EXPECT_FALSE(decoder.page(pods.json(), [](ListItem&&) {}).has_value());
}

TEST(Decode, Case04_AnEmptyListHasItsVersion) {
  for (const char* items : {"[]", "null"}) {
    Decoder decoder(kVm);
    const PaddedCopy body(
        std::string(R"({"kind":"VirtualMachineList","items":)") + items +
        R"(,"metadata":{"resourceVersion":"5"}})");
    int count = 0;
    const auto page = decoder.page(body.json(), [&](ListItem&&) { ++count; });
    ASSERT_TRUE(page.has_value()) << page.error().message;
    EXPECT_EQ(page->resource_version, "5");
    EXPECT_EQ(count, 0);
  }
}

TEST(Decode, StatusOfABodyThatIsNone) {
  const ApiStatus html = decode_status(502, "<html>bad gateway</html>");
  EXPECT_EQ(html.code, 502);
  EXPECT_EQ(html.message, "<html>bad gateway</html>");
  EXPECT_EQ(decode_status(500, "").message, "");
  EXPECT_EQ(
      decode_status(403, R"({"kind":"Status","reason":"Forbidden"})").reason,
      "Forbidden");
}

}  // namespace
}  // namespace chrysalis::kube
