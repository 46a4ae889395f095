#include "controller/kube/requests.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chrysalis::kube {
namespace {

using nlohmann::json;

constexpr Resource kVms{"chrysalis.dev", "v1alpha1", "virtualmachines",
                        "VirtualMachine"};
const ObjectName kVm{"team-a", "web"};
const std::string kPath =
    "/apis/chrysalis.dev/v1alpha1/namespaces/team-a/virtualmachines/web";

TEST(Requests, NameOneObject) {
  EXPECT_EQ(get_request(kVms, kVm).target, kPath);
  EXPECT_EQ(get_request(kNodes, {"", "n1"}).target, "/api/v1/nodes/n1");
  EXPECT_EQ(get_request(kLeases, {"kube-system", "agent-n1"}).target,
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/"
            "agent-n1");
  EXPECT_EQ(get_request(kVms, kVm).method, Method::kGet);
  EXPECT_EQ(get_request(kVms, kVm).body, "");
}

TEST(Requests, LetNoNameLeaveItsPlace) {
  EXPECT_EQ(get_request(kNodes, {"", "../x?y=z#\xC3\xA9 %"}).target,
            "/api/v1/nodes/..%2Fx%3Fy%3Dz%23%C3%A9%20%25");
}

TEST(Requests, ListByPages) {
  const Collection all{.resource = kVms};
  EXPECT_EQ(list_request(all, {.limit = 500}).target,
            "/apis/chrysalis.dev/v1alpha1/virtualmachines?limit=500");
  EXPECT_EQ(list_request(all, {}).target,
            "/apis/chrysalis.dev/v1alpha1/virtualmachines");
  EXPECT_EQ(list_request(all, {.limit = 2, .resource_version = "17"}).target,
            "/apis/chrysalis.dev/v1alpha1/virtualmachines?limit=2"
            "&resourceVersion=17&resourceVersionMatch=NotOlderThan");
  // With a token the version is an error to the server.
  EXPECT_EQ(
      list_request(
          all, {.limit = 2, .continue_token = "a+/=", .resource_version = "17"})
          .target,
      "/apis/chrysalis.dev/v1alpha1/virtualmachines?limit=2"
      "&continue=a%2B%2F%3D");
}

TEST(Requests, SelectByFieldAndLabel) {
  const Collection mine{.resource = kVms,
                        .ns = "a",
                        .field_selector = "status.nodeName=n1",
                        .label_selector = "x in (a, b)"};
  EXPECT_EQ(list_request(mine, {.limit = 1}).target,
            "/apis/chrysalis.dev/v1alpha1/namespaces/a/virtualmachines"
            "?fieldSelector=status.nodeName%3Dn1"
            "&labelSelector=x%20in%20%28a%2C%20b%29&limit=1");
}

TEST(Requests, WatchWithBookmarksAndInitialEventsOnlyWhenAsked) {
  const Collection all{.resource = kNodes};
  EXPECT_EQ(
      watch_request(all, {.resource_version = "9", .timeout = seconds(290)})
          .target,
      "/api/v1/nodes?watch=true&allowWatchBookmarks=true"
      "&timeoutSeconds=290&resourceVersion=9");
  EXPECT_EQ(
      watch_request(all, {.initial_events = true, .timeout = seconds(290)})
          .target,
      "/api/v1/nodes?watch=true&allowWatchBookmarks=true&timeoutSeconds=290"
      "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
}

TEST(Requests, ApplyTheWholeStatusOfOneVersion) {
  const Request request =
      apply_status_request(kVms, {kVm, "41"}, {{"phase", "Running"}});
  EXPECT_EQ(request.method, Method::kPatch);
  EXPECT_EQ(request.target,
            kPath + "/status?fieldManager=chrysalis&force=true");
  EXPECT_EQ(request.content_type, "application/apply-patch+yaml");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({
    "apiVersion": "chrysalis.dev/v1alpha1", "kind": "VirtualMachine",
    "metadata": {"namespace": "team-a", "name": "web",
                 "resourceVersion": "41"},
    "status": {"phase": "Running"}})"));
}

TEST(Requests, PatchFinalizersOfOneVersion) {
  const Request request =
      finalizers_request(kVms, {kVm, "41"}, {"chrysalis.dev/node-1", "x/y"});
  EXPECT_EQ(request.method, Method::kPatch);
  EXPECT_EQ(request.target, kPath + "?fieldManager=chrysalis");
  EXPECT_EQ(request.content_type, "application/merge-patch+json");
  EXPECT_EQ(json::parse(request.body), json::parse(R"({"metadata":
    {"resourceVersion": "41", "finalizers": ["chrysalis.dev/node-1",
                                             "x/y"]}})"));
  // The last one gone is an empty list, not null: that means "as it was".
  EXPECT_EQ(json::parse(finalizers_request(kVms, {kVm, "41"}, {}).body)
                .at("metadata")
                .at("finalizers"),
            json::array());
}

TEST(Requests, CreateReplaceDelete) {
  const json object = {{"a", 1}};
  const Request create = create_request(kVms, "team-a", object);
  EXPECT_EQ(create.method, Method::kPost);
  EXPECT_EQ(create.target,
            "/apis/chrysalis.dev/v1alpha1/namespaces/team-a/virtualmachines"
            "?fieldManager=chrysalis");
  EXPECT_EQ(create.content_type, "application/json");
  EXPECT_EQ(create.body, R"({"a":1})");
  EXPECT_EQ(create_request(kNodes, "", object).target,
            "/api/v1/nodes?fieldManager=chrysalis");
  const Request replace = replace_request(kVms, kVm, object);
  EXPECT_EQ(replace.method, Method::kPut);
  EXPECT_EQ(replace.target, kPath + "?fieldManager=chrysalis");
  const Request gone = delete_request(kVms, kVm, "u-1");
  EXPECT_EQ(gone.method, Method::kDelete);
  EXPECT_EQ(gone.target, kPath);
  EXPECT_EQ(json::parse(gone.body).at("preconditions"),
            json::parse(R"({"uid": "u-1"})"));
  EXPECT_FALSE(
      json::parse(delete_request(kVms, kVm).body).contains("preconditions"));
}

TEST(Requests, MendTextThatIsNoUtf8) {
  const Request request = apply_status_request(
      kVms, {kVm, "41"}, {{"message", std::string("a\xFF") + "b"}});
  EXPECT_EQ(json::parse(request.body).at("status").at("message"),
            "a\xEF\xBF\xBD"
            "b");
}

}  // namespace
}  // namespace chrysalis::kube
