// The list/watch machine over Beast against a real API server: what a script
// cannot prove, namely that the server means by our requests what we mean.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/kube/client.h"
#include "tests/controller/api/objects.h"
#include "tests/controller/kube/server/environment.h"
#include "tests/controller/kube/wire/follower.h"

namespace chrysalis::kube::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::StartsWith;

const SystemClock kClock;

class WatchOnServer : public ::testing::Test {
 protected:
  std::unique_ptr<Transport> transport_ = transport_as(As::kCertificate);
  Client client_{*transport_, kClock};
  const std::string ns_ = "watch-" + std::to_string(++count_);
  Collection collection_{.resource = kVms, .ns = ns_};

  void SetUp() override {
    ASSERT_TRUE(client_.create({"", "v1", "namespaces", "Namespace"}, "",
                               {{"apiVersion", "v1"},
                                {"kind", "Namespace"},
                                {"metadata", {{"name", ns_}}}}));
  }
  Object create(const std::string& name) {
    auto object = api::object_of(api::Kind::kVirtualMachine, name,
                                 R"({"source":{"image":{"name":"i"}}})");
    object["metadata"]["namespace"] = ns_;
    object["metadata"]["labels"] = {{"tier", "front"}};
    auto made = client_.create(kVms, ns_, object);
    EXPECT_TRUE(made) << made.error().message;
    return *std::move(made);
  }
  void place(const Object& object, const std::string& node) {
    const auto applied = client_.apply_status(
        kVms, {{ns_, object.meta.name}, object.meta.resource_version},
        {{"nodeName", node}});
    ASSERT_TRUE(applied) << applied.error().message;
  }
  std::string key(const std::string& name) const { return ns_ + "/" + name; }

  static int count_;
};
int WatchOnServer::count_ = 0;

TEST_F(WatchOnServer, Case16_WatchListHidesTheStoreUntilTheEndMark) {
  for (const char* name : {"a", "b", "c"}) create(name);
  Follower follower(*transport_, collection_);
  bool created = false;
  ASSERT_TRUE(follower.follow_until([&] {
    if (follower.state().synced && !std::exchange(created, true))
      create("late");
    return follower.store().contains(key("late"));
  }));
  // One stream: the change came behind the end mark of the initial events.
  EXPECT_THAT(
      follower.log(),
      ElementsAre("initial watch ", "stage 1, store 0", "stage 2, store 0",
                  "stage 3, store 0", "swap 3", "upsert " + key("late")));
}

TEST_F(WatchOnServer, Case01_PagesThenWatch) {
  for (const char* name : {"a", "b", "c", "d", "e"}) create(name);
  Follower follower(*transport_, collection_,
                    {.watch_list = false, .list_page_objects = 2});
  bool created = false;
  ASSERT_TRUE(follower.follow_until([&] {
    if (follower.state().synced && !std::exchange(created, true))
      create("late");
    return follower.store().contains(key("late"));
  }));
  EXPECT_THAT(
      follower.log(),
      ElementsAre("list ", "stage 2, store 0", "list ", "stage 4, store 0",
                  "list ", "stage 5, store 0", "swap 5", StartsWith("watch "),
                  "upsert " + key("late")));
}

TEST_F(WatchOnServer, Case23_LeavingAFieldSelectorRemoves) {
  const Object mine = create("mine");
  place(mine, "n1");
  place(create("other"), "n2");
  collection_.field_selector = "status.nodeName=n1";
  Follower follower(*transport_, collection_);
  bool moved = false;
  ASSERT_TRUE(follower.follow_until([&] {
    if (follower.state().synced && !std::exchange(moved, true)) {
      EXPECT_EQ(follower.store().size(), 1U);
      const auto now = client_.get(kVms, {ns_, "mine"});
      if (now) place(*now, "n2");
    }
    return moved && follower.store().empty();
  }));
  EXPECT_THAT(follower.log(), Contains("remove " + key("mine")));
}

TEST_F(WatchOnServer, Case23_LeavingALabelSelectorRemoves) {
  create("mine");
  collection_.label_selector = "tier in (front, back)";
  Follower follower(*transport_, collection_);
  bool moved = false;
  ASSERT_TRUE(follower.follow_until([&] {
    if (follower.state().synced && !std::exchange(moved, true)) {
      EXPECT_EQ(follower.store().size(), 1U);
      EXPECT_TRUE(client_.call(merge_patch_request(
          kVms, {ns_, "mine"}, {{"metadata", {{"labels", nullptr}}}})));
    }
    return moved && follower.store().empty();
  }));
  EXPECT_THAT(follower.log(), Contains("remove " + key("mine")));
}

// Case 9 for real: the watch breaks, then nobody listens, then the server is
// back with the same data. It may or may not still know our version (its cache
// begins anew); the store is right either way.
TEST_F(WatchOnServer, Case09_GoesOnAfterTheServerWasAway) {
  create("a");
  Follower follower(*transport_, collection_);
  int stage = 0;
  ASSERT_TRUE(follower.follow_until([&] {
    if (stage == 0 && follower.state().synced) {
      stage = 1;
      server().stop();
    } else if (stage == 1 && follower.backoffs().size() >= 2) {
      stage = 2;
      const auto restarted = server().restart();
      EXPECT_TRUE(restarted) << restarted.error().message;
      create("late");
    }
    return follower.store().contains(key("late"));
  }));
  EXPECT_EQ(follower.logged("remove " + key("a")), 0);
  const auto list = client_.list(collection_);
  ASSERT_TRUE(list) << list.error().message;
  Follower::Versions there;
  for (const Object& item : list->items)
    there[item.meta.key()] = item.meta.resource_version;
  EXPECT_THAT(there, SizeIs(2));
  EXPECT_EQ(follower.store(), there);
}

}  // namespace
}  // namespace chrysalis::kube::testing
