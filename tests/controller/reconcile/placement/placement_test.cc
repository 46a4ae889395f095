#include "controller/reconcile/placement/placement.h"

#include <gtest/gtest.h>

namespace chrysalis::reconcile {
namespace {

using model::Hypervisor;
using model::operator""_GiB;
using model::operator""_MiB;

Agent agent(const std::string& node, model::Bytes memory = 8_GiB) {
  return {node,
          true,
          true,
          memory,
          {{Hypervisor::kCloudHypervisor, "v53", ""},
           {Hypervisor::kFirecracker, "v1", ""}}};
}

const Wanted kOneGig{1_GiB, Hypervisor::kCloudHypervisor, ""};

TEST(Placement, LeastUsedThenName) {
  const std::vector agents = {agent("c"), agent("b"), agent("a")};
  EXPECT_EQ(place(kOneGig, agents, {}).node, "a");
  EXPECT_EQ(
      place(kOneGig, agents, {{"a", 2_GiB}, {"b", 1_GiB}, {"c", 1_GiB}}).node,
      "b");
}

TEST(Placement, FitsBesideWhatIsThereToTheByte) {
  const std::vector agents = {agent("a", 3_GiB)};
  const model::Bytes rest{(2_GiB).count - kVmOverhead.count};
  EXPECT_EQ(place(kOneGig, agents, {{"a", rest}}).node, "a");
  EXPECT_EQ(place(kOneGig, agents, {{"a", {rest.count + 1}}}).node, "");
  EXPECT_EQ(place(kOneGig, agents, {{"a", 4_GiB}}).node, "") << "overcommitted";
  EXPECT_EQ(place({{~0ULL}, Hypervisor::kCloudHypervisor, ""}, agents, {}).node,
            "")
      << "no overflow";
}

TEST(Placement, ObeysTheConstraintAndNothingElse) {
  const std::vector agents = {agent("a"), agent("b")};
  EXPECT_EQ(place({1_GiB, Hypervisor::kFirecracker, "b"}, agents, {}).node,
            "b");
  const Placement none =
      place({1_GiB, Hypervisor::kFirecracker, "z"}, agents, {});
  EXPECT_EQ(none.node, "");
  EXPECT_EQ(none.reason, "Unschedulable");
  EXPECT_EQ(none.message, "0 of 2 nodes fit: 2 not node z");
}

TEST(Placement, SaysWhyPerCause) {
  std::vector agents = {agent("a"), agent("b"), agent("c", 512_MiB)};
  agents[0].alive = false;
  agents[1].programs.pop_back();
  EXPECT_EQ(place({1_GiB, Hypervisor::kFirecracker, ""}, agents, {}).message,
            "0 of 3 nodes fit: 1 without a living agent, 1 without "
            "Firecracker, 1 without 1Gi and 128Mi of memory free");
  EXPECT_EQ(place(kOneGig, {}, {}).message,
            "0 of 0 nodes fit; start an agent: kubectl label node NODE "
            "chrysalis.dev/vmm=true");
}

TEST(Placement, AVmTakesWhatRunsElseWhatIsAsked) {
  api::VirtualMachine vm;
  EXPECT_EQ(memory_of(vm), 1_GiB);
  vm.spec.wish.memory = 2_GiB;
  EXPECT_EQ(memory_of(vm), 2_GiB);
  api::VmSnapshot source;
  EXPECT_EQ(memory_of(vm, &source), 2_GiB) << "it tells nothing yet";
  source.status.config.emplace();
  source.status.config->memory = 4_GiB;
  EXPECT_EQ(memory_of(vm, &source), 4_GiB);
  vm.status.config.emplace();
  vm.status.config->memory = 3_GiB;
  EXPECT_EQ(memory_of(vm, &source), 3_GiB);
}

}  // namespace
}  // namespace chrysalis::reconcile
