#include "controller/reconcile/placement/leader_plan.h"

#include <gtest/gtest.h>

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using model::operator""_GiB;

constexpr Wall kNow{seconds{1'800'000'000}};

Fleet fleet() {
  Fleet out;
  for (const char* node : {"node-a", "node-b"})
    out.agents.push_back({node,
                          true,
                          true,
                          8_GiB,
                          {{model::Hypervisor::kCloudHypervisor, "v53", ""}}});
  out.loads = {{"node-a", 2_GiB}};
  out.finalizer_of = [](const std::string& node) {
    return "chrysalis.dev/node-" + node;
  };
  return out;
}

api::VirtualMachine vm() {
  api::VirtualMachine out;
  out.meta.ns = "ns";
  out.meta.name = "vm";
  out.meta.generation = 3;
  out.spec.wish.image = "img";
  return out;
}

std::shared_ptr<api::VmSnapshot> snapshot(const std::string& node) {
  auto out = std::make_shared<api::VmSnapshot>();
  out->status.node_name = node;
  out->status.config.emplace();
  out->status.config->memory = 1_GiB;
  return out;
}

std::string ready(const std::vector<api::Condition>& conditions) {
  const auto* found = api::find_condition(conditions, ConditionType::kReady);
  if (found == nullptr) return "-";
  return (found->status == api::Truth::kTrue    ? "True/"
          : found->status == api::Truth::kFalse ? "False/"
                                                : "Unknown/") +
         found->reason;
}

TEST(LeaderPlan, PlacesOnceAndNeverAgain) {
  auto it = vm();
  const auto first = plan(it, nullptr, fleet(), kNow);
  ASSERT_TRUE(first.status);
  EXPECT_EQ(first.status->node_name, "node-b");
  EXPECT_EQ(first.status->observed_generation, 3U);
  EXPECT_EQ(first.status->phase, api::VmPhase::kPending);
  EXPECT_EQ(ready(first.status->conditions), "Unknown/Scheduled");
  EXPECT_NE(api::find_condition(first.status->conditions,
                                ConditionType::kReconciling),
            nullptr);
  EXPECT_EQ(first.events.size(), 1U);
  it.status = *first.status;
  const auto second = plan(it, nullptr, fleet(), kNow + seconds{9});
  EXPECT_FALSE(second.status);
  EXPECT_TRUE(second.events.empty());
}

TEST(LeaderPlan, SaysUnschedulableOnce) {
  auto it = vm();
  it.spec.node_name = "node-z";
  const auto first = plan(it, nullptr, fleet(), kNow);
  ASSERT_TRUE(first.status);
  EXPECT_EQ(first.status->node_name, "");
  EXPECT_EQ(ready(first.status->conditions), "False/Unschedulable");
  EXPECT_TRUE(first.events.at(0).warning);
  it.status = *first.status;
  EXPECT_FALSE(plan(it, nullptr, fleet(), kNow + seconds{9}).status);
}

TEST(LeaderPlan, ACloneGoesToItsSnapshotsNode) {
  auto it = vm();
  it.spec.wish = {};
  it.spec.clone = api::CloneSource{"snap", false, ""};
  const auto ready_after = [&](std::shared_ptr<api::VmSnapshot> source) {
    return ready(plan(it, source, fleet(), kNow).status->conditions);
  };
  EXPECT_EQ(ready_after(nullptr), "False/SnapshotNotFound");
  EXPECT_EQ(ready_after(snapshot("")), "False/SnapshotNotReady");
  EXPECT_EQ(ready_after(snapshot("node-z")), "False/Unschedulable");
  EXPECT_EQ(plan(it, snapshot("node-a"), fleet(), kNow).status->node_name,
            "node-a")
      << "though node-b is less used";
  it.spec.node_name = "node-b";
  EXPECT_EQ(ready_after(snapshot("node-a")), "False/Unschedulable");
}

TEST(LeaderPlan, WhereAFinalizerStandsItIsPutBack) {
  auto it = vm();
  it.meta.finalizers = {"chrysalis.dev/node-node-a"};
  EXPECT_EQ(plan(it, nullptr, fleet(), kNow).status->node_name, "node-a");
  it.meta.deleted_at = kNow;
  EXPECT_EQ(plan(it, nullptr, fleet(), kNow).status->node_name, "node-a")
      << "its agent has data to remove";
  it.meta.finalizers.clear();
  EXPECT_FALSE(plan(it, nullptr, fleet(), kNow).status);
}

TEST(LeaderPlan, ALostNodeIsSaidOnceAndNothingElseIsTouched) {
  auto it = vm();
  it.status.node_name = "node-a";
  it.status.observed_generation = 2;
  it.status.phase = api::VmPhase::kRunning;
  it.status.config.emplace();
  it.status.provenance.emplace();
  const auto said = [](std::string_view type) {
    return api::Condition{
        std::string(type), api::Truth::kTrue, "Running", "", 2,
        kNow - seconds{99}};
  };
  it.status.conditions = {said("Ready"), said("Running"), said("Stalled"),
                          said("ResourcesInherited")};
  auto alive = fleet();
  EXPECT_FALSE(plan(it, nullptr, alive, kNow).status);
  auto dead = alive;
  dead.agents[0].alive = false;
  const auto told = plan(it, nullptr, dead, kNow);
  ASSERT_TRUE(told.status);
  EXPECT_EQ(told.status->phase, api::VmPhase::kUnknown);
  EXPECT_EQ(ready(told.status->conditions), "Unknown/NodeLost");
  EXPECT_EQ(told.status->config, it.status.config);
  EXPECT_EQ(told.status->provenance, it.status.provenance);
  EXPECT_EQ(told.status->observed_generation, 2U);
  EXPECT_EQ(told.status->node_name, "node-a") << "nothing starts elsewhere";
  EXPECT_EQ(api::find_condition(told.status->conditions, "Stalled"), nullptr);
  const auto* kept =
      api::find_condition(told.status->conditions, "ResourcesInherited");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(*kept, it.status.conditions[3]);
  it.status = *told.status;
  EXPECT_FALSE(plan(it, nullptr, dead, kNow + seconds{9}).status);
  EXPECT_FALSE(plan(it, nullptr, alive, kNow + seconds{9}).status)
      << "the agent takes the fields back itself";
}

TEST(LeaderPlan, LetsGoOnlyWhenTheNodeIsGoneAndItIsDeleted) {
  auto it = vm();
  it.status.node_name = "node-a";
  it.meta.finalizers = {"chrysalis.dev/node-node-a"};
  auto f = fleet();
  f.agents[0].alive = false;
  it.meta.deleted_at = kNow;
  EXPECT_FALSE(plan(it, nullptr, f, kNow).remove_finalizer) << "node exists";
  f.agents[0].node_exists = false;
  EXPECT_EQ(plan(it, nullptr, f, kNow).remove_finalizer,
            "chrysalis.dev/node-node-a");
  f.agents.clear();
  EXPECT_EQ(plan(it, nullptr, f, kNow).remove_finalizer,
            "chrysalis.dev/node-node-a");
  it.meta.deleted_at.reset();
  EXPECT_FALSE(plan(it, nullptr, f, kNow).remove_finalizer) << "not deleted";
  f = fleet();
  f.agents[0].node_exists = false;
  it.meta.deleted_at = kNow;
  EXPECT_FALSE(plan(it, nullptr, f, kNow).remove_finalizer) << "agent lives";
}

TEST(LeaderPlan, LetsGoOfANodeOfAnotherCluster) {
  auto it = vm();
  it.meta.finalizers = {"example.com/theirs", "chrysalis.dev/node-elsewhere",
                        "chrysalis.dev/node-node-a"};
  it.status.node_name = "node-a";
  EXPECT_FALSE(plan(it, nullptr, fleet(), kNow).remove_finalizer);
  it.meta.deleted_at = kNow;
  EXPECT_EQ(plan(it, nullptr, fleet(), kNow).remove_finalizer,
            "chrysalis.dev/node-elsewhere");
  it.meta.finalizers.erase(it.meta.finalizers.begin() + 1);
  EXPECT_FALSE(plan(it, nullptr, fleet(), kNow).remove_finalizer)
      << "that of node-a is its agent's";
  it.meta.finalizers = {"chrysalis.dev/node-elsewhere"};
  it.status.node_name.clear();
  EXPECT_EQ(plan(it, nullptr, fleet(), kNow).remove_finalizer,
            "chrysalis.dev/node-elsewhere");
}

TEST(LeaderPlan, ACloneOfAFailedSnapshotStalls) {
  auto it = vm();
  it.spec.wish = {};
  it.spec.clone = api::CloneSource{"golden", false, ""};
  auto failed = snapshot("node-a");
  failed->status.config.reset();
  failed->status.conditions = {
      {"Stalled", api::Truth::kTrue, "Corrupt", "", 1, kNow}};
  const auto told = plan(it, failed, fleet(), kNow);
  EXPECT_EQ(ready(told.status->conditions), "False/SnapshotNotReady");
  const auto* why = stalled(told.status->conditions);
  ASSERT_NE(why, nullptr);
  EXPECT_NE(why->message.find("Corrupt"), std::string::npos);
  failed->status.conditions.clear();
  EXPECT_EQ(stalled(plan(it, failed, fleet(), kNow).status->conditions),
            nullptr)
      << "it may become ready";
  auto leaving = snapshot("node-a");
  leaving->meta.deleted_at = kNow;
  EXPECT_EQ(ready(plan(it, leaving, fleet(), kNow).status->conditions),
            "False/SnapshotNotReady");
}

TEST(LeaderPlan, AFailedSnapshotStaysFailedOnALostNode) {
  api::VmSnapshot it;
  it.status.node_name = "node-a";
  it.status.phase = api::SnapshotPhase::kFailed;
  it.status.conditions = {
      {"Stalled", api::Truth::kTrue, "PauseBudgetExceeded", "", 1, kNow}};
  auto f = fleet();
  f.agents[0].alive = false;
  const auto told = plan(it, nullptr, f, kNow);
  ASSERT_TRUE(told.status);
  EXPECT_EQ(told.status->phase, api::SnapshotPhase::kFailed);
  ASSERT_NE(stalled(told.status->conditions), nullptr);
}

TEST(LeaderPlan, ConditionsOfOthersAreNotTakenOver) {
  auto it = vm();
  it.status.conditions = {
      {"example.com/Checked", api::Truth::kTrue, "Policy", "", 1, kNow}};
  const auto first = plan(it, nullptr, fleet(), kNow);
  ASSERT_TRUE(first.status);
  EXPECT_EQ(
      api::find_condition(first.status->conditions, "example.com/Checked"),
      nullptr);
  // The server keeps it beside ours: nothing is to be written for it.
  auto f = fleet();
  f.agents[1].alive = false;
  const auto theirs = it.status.conditions[0];
  it.status = *first.status;
  it.status.conditions.push_back(theirs);
  const auto lost = plan(it, nullptr, f, kNow);
  ASSERT_TRUE(lost.status);
  it.status = *lost.status;
  it.status.conditions.push_back(theirs);
  EXPECT_FALSE(plan(it, nullptr, f, kNow).status);
}

TEST(LeaderPlan, ASnapshotGoesToItsSource) {
  api::VmSnapshot it;
  it.spec.virtual_machine = "vm";
  auto source = std::make_shared<api::VirtualMachine>(vm());
  EXPECT_EQ(ready(plan(it, nullptr, fleet(), kNow).status->conditions),
            "False/SourceNotFound");
  EXPECT_EQ(ready(plan(it, source, fleet(), kNow).status->conditions),
            "False/SourceNotRunning");
  source->status.node_name = "node-a";
  const auto told = plan(it, source, fleet(), kNow);
  EXPECT_EQ(told.status->node_name, "node-a");
  EXPECT_EQ(told.status->ready_to_use, false);
  it.spec.virtual_machine.clear();
  it.spec.directory = api::DirectorySource{"node-b", "dir"};
  EXPECT_EQ(plan(it, nullptr, fleet(), kNow).status->node_name, "node-b");
  it.spec.directory->node_name = "node-z";
  EXPECT_EQ(ready(plan(it, nullptr, fleet(), kNow).status->conditions),
            "False/Unschedulable");
  it.meta.finalizers = {"chrysalis.dev/node-node-a"};
  EXPECT_EQ(plan(it, nullptr, fleet(), kNow).status->node_name, "node-a");
  it.meta.finalizers.clear();
  it.meta.deleted_at = kNow;
  EXPECT_FALSE(plan(it, nullptr, fleet(), kNow).status);
}

TEST(LeaderPlan, ALostSnapshotKeepsWhatItHolds) {
  api::VmSnapshot it;
  it.status = snapshot("node-a")->status;
  it.status.ready_to_use = true;
  auto f = fleet();
  f.agents[0].alive = false;
  const auto told = plan(it, nullptr, f, kNow);
  EXPECT_EQ(ready(told.status->conditions), "Unknown/NodeLost");
  EXPECT_EQ(told.status->ready_to_use, true);
  EXPECT_EQ(told.status->config, it.status.config);
}

}  // namespace
}  // namespace chrysalis::reconcile
