// What a VM costs the API server, counted in the server's own audit log: at
// most four writes to our kinds from apply to Ready, and none when idle.

#include <gtest/gtest.h>

#include <iostream>

#include "tests/e2e/world/cluster.h"

namespace chrysalis::e2e {
namespace {

using kube_tools::AuditEvent;

constexpr size_t kBudget = 4;

class Writes : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_namespaces())
      GTEST_SKIP() << "SKIPPED LOUDLY: needs root, for namespaces and TAPs";
  }
};

std::string told(const AuditEvent& e) {
  const std::string what =
      e.subresource.empty() ? e.resource : e.resource + "/" + e.subresource;
  const std::string who = e.user_agent.substr(e.user_agent.rfind(' ') + 1);
  return "  " + who + " " + e.verb + " " + what + " " + e.name + " -> " +
         std::to_string(e.code) + "\n";
}

// Our writes of one object, refused ones too, and what they were.
size_t cost_of(const Cluster& world, const Id& id, std::string& list) {
  size_t count = 0;
  for (const AuditEvent& event : world.writes()) {
    if (event.resource != id.kind + "s" || event.name != id.name) continue;
    list += told(event);
    ++count;
  }
  return count;
}

void costs_little(Cluster& world, const Manifest& manifest) {
  world.apply(manifest);
  world.until_ready(manifest.id);
  std::string list;
  const size_t cost = cost_of(world, manifest.id, list);
  std::cout << to_string(manifest.id) << ": " << cost
            << " writes from apply to Ready\n"
            << list;
  EXPECT_LE(cost, kBudget);
  EXPECT_GE(cost, 2U) << "the log does not hold what was done";
}

TEST_F(Writes, AreAtMostFourUntilReadyAndNoneWhenIdle) {
  Cluster world;
  for (const auto kind : model::kHypervisors) {
    const std::string tail =
        kind == model::Hypervisor::kCloudHypervisor ? "-ch" : "-fc";
    costs_little(world, image_vm("image" + tail, kind));
    costs_little(world, snapshot_of("golden" + tail, "image" + tail));
    costs_little(world, clone_of("clone" + tail, "golden" + tail));
  }
  // What cannot be is idle too: it is not said again and again.
  Manifest lost = image_vm("lost", model::Hypervisor::kFirecracker);
  lost.spec["source"]["image"]["name"] = "none";
  world.apply(lost);
  world.until_condition(lost.id, "Stalled", "True/ImageNotFound");

  const auto before = world.writes();
  const std::string agent_lease = "agent-" + world.node();
  ASSERT_TRUE(world.await_renewals(agent_lease, 1));
  ASSERT_TRUE(world.await_renewals("chrysalis-controller", 2));
  const auto after = world.writes();
  std::string list;
  for (size_t n = before.size(); n < after.size(); ++n) list += told(after[n]);
  std::cout << "idle: " << after.size() - before.size() << " writes while "
            << world.renewals("chrysalis-controller") << " and "
            << world.renewals(agent_lease) << " leases were renewed\n";
  EXPECT_EQ(after.size(), before.size()) << list;
}

}  // namespace
}  // namespace chrysalis::e2e
