// The client against a real API server, as an administrator by certificate
// and as one by token.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/kube/beast/beast_transport.h"
#include "controller/kube/client.h"
#include "tests/controller/api/objects.h"
#include "tests/controller/kube/server/environment.h"

namespace chrysalis::kube::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const SystemClock kClock;

nlohmann::json vm(const std::string& name) {
  return api::object_of(api::Kind::kVirtualMachine, name,
                        R"({"source":{"image":{"name":"i"}}})");
}

class ClientOnServer : public ::testing::TestWithParam<As> {
 protected:
  std::unique_ptr<Transport> transport_ = transport_as(GetParam());
  Client client_{*transport_, kClock, {}, {.page_objects = 2}};
  // Each test has objects of its own.
  const std::string name_ = [] {
    std::string out =
        ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::string lower;
    for (const char c : out)
      lower += c == '/' ? '-' : static_cast<char>(std::tolower(c));
    return lower.substr(0, 60);
  }();

  ObjectName name() const { return {"default", name_}; }
  Object create_vm() {
    auto made = client_.create(kVms, "default", vm(name_));
    EXPECT_TRUE(made) << made.error().message;
    return *std::move(made);
  }
  template <class T>
  static Code code_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Code::kUnsupported : result.error().code;
  }
};
INSTANTIATE_TEST_SUITE_P(As, ClientOnServer,
                         ::testing::Values(As::kCertificate, As::kToken),
                         [](const auto& as) {
                           return as.param == As::kToken ? "Token"
                                                         : "Certificate";
                         });

TEST_P(ClientOnServer, CreatesAndGets) {
  const Object made = create_vm();
  EXPECT_EQ(made.meta.generation, 1);
  const auto got = client_.get(kVms, name());
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->meta.uid, made.meta.uid);
  EXPECT_EQ(got->meta.resource_version, made.meta.resource_version);
  EXPECT_EQ(code_of(client_.create(kVms, "default", vm(name_))),
            Code::kConflict);
  EXPECT_EQ(code_of(client_.get(kVms, {"default", "absent"})), Code::kNotFound);
}

TEST_P(ClientOnServer, TellsWhyAnObjectIsRefused) {
  auto object = vm(name_);
  object["spec"]["resources"] = {{"cpu", 0}};
  const auto refused = client_.create(kVms, "default", object);
  EXPECT_EQ(code_of(refused), Code::kInvalid);
  EXPECT_THAT(refused.error().message, HasSubstr("spec.resources.cpu"));
}

TEST_P(ClientOnServer, ListsByPages) {
  const std::string ns = name_;
  ASSERT_TRUE(client_.create({"", "v1", "namespaces", "Namespace"}, "",
                             {{"apiVersion", "v1"},
                              {"kind", "Namespace"},
                              {"metadata", {{"name", ns}}}}));
  for (const char* one : {"a", "b", "c", "d", "e"}) {
    auto object = vm(one);
    object["metadata"]["namespace"] = ns;
    ASSERT_TRUE(client_.create(kVms, ns, object));
  }
  const auto list = client_.list({.resource = kVms, .ns = ns});
  ASSERT_TRUE(list) << list.error().message;
  std::vector<std::string> names;
  for (const Object& item : list->items) names.push_back(item.meta.name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_NE(list->resource_version, "");
  EXPECT_THAT(list->items[0].json().text(), HasSubstr("\"image\""));
}

TEST_P(ClientOnServer, AppliesStatusWholeAndOnlyOnTopOfWhatItRead) {
  const Object made = create_vm();
  const ObjectVersion first{name(), made.meta.resource_version};
  const auto applied = client_.apply_status(
      kVms, first,
      {{"phase", "Starting"}, {"nodeName", "n1"}, {"observedGeneration", 1}});
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_NE(applied->meta.resource_version, first.resource_version);
  EXPECT_EQ(applied->meta.generation, 1);
  EXPECT_THAT(applied->json().text(), HasSubstr(R"("phase":"Starting")"));

  const auto stale = client_.apply_status(kVms, first, {{"phase", "Failed"}});
  EXPECT_EQ(code_of(stale), Code::kConflict);
  EXPECT_THAT(stale.error().message, HasSubstr("has been modified"));

  // What is said no more is removed.
  const ObjectVersion second{name(), applied->meta.resource_version};
  const nlohmann::json running = {{"phase", "Running"},
                                  {"observedGeneration", 1}};
  const auto again = client_.apply_status(kVms, second, running);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(nlohmann::json::parse(again->json().text()).at("status"),
              running);

  // Nothing changed: nothing is written.
  const auto same = client_.apply_status(
      kVms, {name(), again->meta.resource_version}, running);
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->meta.resource_version, again->meta.resource_version);
}

TEST_P(ClientOnServer, AppliesNoStatusToAnObjectThatIsGone) {
  const Object made = create_vm();
  ASSERT_TRUE(client_.remove(kVms, name(), made.meta.uid));
  const auto applied = client_.apply_status(
      kVms, {name(), made.meta.resource_version}, {{"phase", "Running"}});
  EXPECT_EQ(code_of(applied), Code::kNotFound);
  EXPECT_EQ(code_of(client_.get(kVms, name())), Code::kNotFound);
}

TEST_P(ClientOnServer, HoldsAnObjectByItsFinalizer) {
  const Object made = create_vm();
  const ObjectVersion first{name(), made.meta.resource_version};
  const auto held =
      client_.set_finalizers(kVms, first, {"chrysalis.dev/node-1"});
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_THAT(held->meta.finalizers, ElementsAre("chrysalis.dev/node-1"));
  EXPECT_EQ(held->meta.generation, 1);
  EXPECT_EQ(code_of(client_.set_finalizers(kVms, first, {})), Code::kConflict);

  EXPECT_EQ(code_of(client_.remove(kVms, name(), "another-uid")),
            Code::kConflict);
  ASSERT_TRUE(client_.remove(kVms, name(), made.meta.uid));
  const auto going = client_.get(kVms, name());
  ASSERT_TRUE(going);
  EXPECT_NE(going->meta.deletion_timestamp, "");
  ASSERT_TRUE(
      client_.set_finalizers(kVms, {name(), going->meta.resource_version}, {}));
  EXPECT_EQ(code_of(client_.get(kVms, name())), Code::kNotFound);
}

TEST_P(ClientOnServer, KeepsALeaseThatOneWriterRenews) {
  EXPECT_EQ(code_of(client_.get_lease(name())), Code::kNotFound);
  const Lease wanted{
      .ns = "default",
      .name = name_,
      .annotations = {{"chrysalis.dev/cpu", "4"}},
      .holder = "n1",
      .duration_seconds = 40,
      .acquire_time = parse_rfc3339("2026-11-24T09:00:00.000001Z"),
      .renew_time = parse_rfc3339("2026-11-24T09:00:01Z")};
  const auto made = client_.create_lease(wanted);
  ASSERT_TRUE(made) << made.error().message;
  Lease expected = wanted;
  expected.resource_version = made->resource_version;
  EXPECT_EQ(*made, expected);
  EXPECT_EQ(code_of(client_.create_lease(wanted)), Code::kConflict);
  EXPECT_EQ(client_.get_lease(name()), expected);

  Lease released = *made;
  released.holder.clear();
  released.duration_seconds = 1;
  ++released.transitions;
  const auto renewed = client_.replace_lease(released);
  ASSERT_TRUE(renewed) << renewed.error().message;
  EXPECT_EQ(renewed->holder, "");
  EXPECT_EQ(renewed->transitions, 1);
  EXPECT_EQ(code_of(client_.replace_lease(released)), Code::kConflict);
}

TEST_P(ClientOnServer, TellsAnEventAndCountsItsRepeats) {
  const Object about = create_vm();
  const Event event{.name = name_ + ".1f",
                    .subject = {.api_version = api_version(kVms),
                                .kind = "VirtualMachine",
                                .ns = "default",
                                .name = name_,
                                .uid = about.meta.uid},
                    .warning = true,
                    .reason = "AttemptUsed",
                    .action = "Restore",
                    .note = std::string(2000, 'n'),
                    .controller = "chrysalis.dev/agent",
                    .instance = "chrysalis.dev/agent-n1",
                    .at = kClock.wall()};
  const auto told = client_.create_event(event);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_TRUE(told->ok()) << told->body;
  const auto again = client_.create_event(event);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(classify(status_of(*again)), Refusal::kAlreadyExists);
  const auto counted =
      client_.patch_event(event, {.count = 2, .last_observed = kClock.wall()});
  ASSERT_TRUE(counted) << counted.error().message;
  EXPECT_TRUE(counted->ok()) << counted->body;
  const auto read = client_.get(kEvents, {"default", event.name});
  ASSERT_TRUE(read) << read.error().message;
  const auto object = nlohmann::json::parse(read->json().text());
  EXPECT_EQ(object.at("series").at("count"), 2);
  EXPECT_EQ(object.at("note"), std::string(1024, 'n'));
  // As people ask for it.
  const auto seen = server().kubectl(
      {"get", "event", event.name, "-o",
       "jsonpath={.reason} {.type} {.series.count} {.involvedObject.name}"});
  EXPECT_EQ(seen.out, "AttemptUsed Warning 2 " + name_) << seen.err;
}

TEST_P(ClientOnServer, KnowsNodes) {
  ASSERT_TRUE(client_.create(kNodes, "",
                             {{"apiVersion", "v1"},
                              {"kind", "Node"},
                              {"metadata", {{"name", name_}}}}));
  ASSERT_TRUE(client_.get(kNodes, {"", name_}));
  const auto found = client_.list(
      {.resource = kNodes, .field_selector = "metadata.name=" + name_});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->items.size(), 1U);
  ASSERT_TRUE(client_.remove(kNodes, {"", name_}));
  EXPECT_EQ(code_of(client_.get(kNodes, {"", name_})), Code::kNotFound);
}

// What a list is told who comes with this token.
Error refused_with(const std::string& token) {
  Access access;
  access.server = server().url();
  access.ca.file = server().ca_path();
  access.token = token;
  const auto transport = beast::BeastTransport::make(access, kClock);
  EXPECT_TRUE(transport);
  Client client(**transport, kClock);
  const auto refused = client.list({.resource = kVms});
  EXPECT_FALSE(refused);
  return refused ? Error{} : refused.error();
}

TEST(ClientRefused, AWrongTokenIsSaid) {
  const Error error = refused_with("wrong");
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("401 Unauthorized"));
}

TEST(ClientRefused, AMissingRightIsSaid) {
  const auto made = server().kubectl({"create", "serviceaccount", "nobody"});
  ASSERT_EQ(made.exit, 0) << made.err;
  auto token = server().kubectl({"create", "token", "nobody"}).out;
  while (!token.empty() && token.back() == '\n') token.pop_back();
  const Error error = refused_with(token);
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("cannot list resource"));
}

}  // namespace
}  // namespace chrysalis::kube::testing
