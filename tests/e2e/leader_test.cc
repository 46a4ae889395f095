// Two controllers at once: one leads and writes, the other waits.

#include <gtest/gtest.h>

#include "tests/e2e/world/cluster.h"

namespace chrysalis::e2e {
namespace {

using model::Hypervisor;

class Leader : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_namespaces())
      GTEST_SKIP() << "SKIPPED LOUDLY: needs root, for namespaces and TAPs";
  }
};

// By whom controllers wrote our kinds: the two have other users.
std::string users_of(const Cluster& world) {
  std::string out;
  for (const auto& event : world.writes())
    if (event.user_agent.ends_with(" controller") && !out.ends_with(event.user))
      out += (out.empty() ? "" : ", ") + event.user;
  return out;
}

TEST_F(Leader, WritesAloneAndTheNextOneTakesOver) {
  Cluster world;
  Program& first = world.controller(0);
  ASSERT_TRUE(first.says("lease acquired")) << first.said();
  Program& second =
      world.start_controller(api_server().token_kubeconfig_path());
  ASSERT_TRUE(second.says("waits for its lease")) << second.said();

  const Manifest one = image_vm("one", Hypervisor::kCloudHypervisor);
  world.apply(one);
  world.until_ready(one.id);
  // The other has tried for the lease meanwhile, and not got it.
  ASSERT_TRUE(world.await_renewals({{"chrysalis-controller", 2}}));
  EXPECT_EQ(users_of(world), "admin");
  EXPECT_EQ(second.said().find("lease acquired"), std::string::npos);

  EXPECT_EQ(first.stop(), 0) << first.said();
  ASSERT_TRUE(second.says("lease acquired")) << second.said();
  const Manifest two = image_vm("two", Hypervisor::kCloudHypervisor);
  world.apply(two);
  world.until_ready(two.id);
  EXPECT_EQ(users_of(world), "admin, token-admin");
  world.remove({one.id, two.id});
}

}  // namespace
}  // namespace chrysalis::e2e
