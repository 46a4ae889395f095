// What a VM costs the API server, counted in the server's own audit log: at
// most four writes to our kinds from apply to Ready, and none when idle.

#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

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

void expect_little(const Cluster& world, const Id& id, const char* when) {
  std::string list;
  const size_t cost = cost_of(world, id, list);
  std::cout << to_string(id) << ": " << cost << " writes " << when << "\n";
  EXPECT_LE(cost, kBudget) << list;
  EXPECT_GE(cost, 2U) << "the log does not hold what was done\n" << list;
}

// An image boot, its snapshot and its clone, each from apply to Ready.
std::vector<Id> make_ready(Cluster& world, model::Hypervisor kind) {
  const std::string tail =
      kind == model::Hypervisor::kCloudHypervisor ? "-ch" : "-fc";
  std::vector<Id> made;
  for (const Manifest& one : {image_vm("image" + tail, kind),
                              snapshot_of("golden" + tail, "image" + tail),
                              clone_of("clone" + tail, "golden" + tail)}) {
    world.apply(one);
    world.until_ready(one.id);
    expect_little(world, one.id, "from apply to Ready");
    made.push_back(one.id);
  }
  return made;
}

TEST_F(Writes, AreAtMostFourUntilReadyAndNoneWhenIdle) {
  Cluster world;
  std::vector<Id> all;
  for (const auto kind : model::kHypervisors)
    for (Id& id : make_ready(world, kind)) all.push_back(std::move(id));
  // An agent that comes back looks at all of them and finds nothing to say.
  world.kill_agent();
  world.start_agent();
  // What cannot be is idle too: it is not said again and again.
  Manifest lost = image_vm("lost", model::Hypervisor::kFirecracker);
  lost.spec["source"]["image"]["name"] = "none";
  world.apply(lost);
  world.until_condition(lost.id, "Stalled", "True/ImageNotFound");
  all.push_back(lost.id);

  const auto before = world.writes();
  ASSERT_TRUE(world.await_renewals(
      {{"agent-" + world.node(), 1}, {"chrysalis-controller", 3}}));
  const auto after = world.writes();
  std::string list;
  for (size_t n = before.size(); n < after.size(); ++n) list += told(after[n]);
  std::cout << "idle: " << after.size() - before.size() << " writes while "
            << "leases were renewed\n";
  EXPECT_EQ(after.size(), before.size()) << list;
  // Nor was one written late, when nobody counted.
  for (const Id& id : all) expect_little(world, id, "in all its life");
}

}  // namespace
}  // namespace chrysalis::e2e
