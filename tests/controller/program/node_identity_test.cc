#include "controller/program/node_identity.h"

#include <gtest/gtest.h>

namespace chrysalis::program {
namespace {

TEST(NodeIdentity, TheFinalizerIsMadeOfTheNamesHash) {
  // printf demo-node | sha256sum
  EXPECT_EQ(node_finalizer("demo-node"), "chrysalis.dev/node-a4d4de00d862ce3c");
  EXPECT_NE(node_finalizer("demo-node"), node_finalizer("demo-nodf"));
}

TEST(NodeIdentity, TheFlagNamesTheNodeElseTheHostDoes) {
  NodeFlags flags;
  flags.node_name = "worker-1.example.org";
  EXPECT_EQ(node_name_of(flags).value(), "worker-1.example.org");
  flags.node_name = "";
  const auto host = node_name_of(flags);
  if (host) {
    EXPECT_EQ(host->size(), host_name().size());
  }
}

TEST(NodeIdentity, ANameThatNoNodeCanHaveStopsTheStart) {
  NodeFlags flags;
  for (const char* name : {"Upper", "-a", "a-", "a..b", "a.-b", "a_b", ".a"}) {
    flags.node_name = name;
    const auto refused = node_name_of(flags);
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().message.find("--node-name"), std::string::npos);
  }
  flags.node_name = std::string(248, 'a');
  EXPECT_FALSE(node_name_of(flags));
}

}  // namespace
}  // namespace chrysalis::program
