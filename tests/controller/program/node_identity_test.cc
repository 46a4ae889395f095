#include "controller/program/node_identity.h"

#include <gtest/gtest.h>

#include "tests/fakes/test_directory.h"

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

TEST(NodeIdentity, TheInstanceStaysWithTheStateAndIsNobodyElses) {
  PosixFileSystem files;
  const TestDirectory dir;
  const std::filesystem::path file = dir.path() / "instance";
  const auto first = node_instance(files, file);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->size(), 36U);
  EXPECT_EQ(node_instance(files, file).value(), *first);
  for (const char* torn : {"", "../../../../../etc/passwd-and-so-on-", "short",
                           "a text that is longer than any uid may be"}) {
    ASSERT_TRUE(durable_replace(files, file, torn));
    const auto anew = node_instance(files, file);
    ASSERT_TRUE(anew) << anew.error().message;
    EXPECT_NE(*anew, *first);
    EXPECT_EQ(node_instance(files, file).value(), *anew);
  }
  EXPECT_FALSE(node_instance(files, "/nowhere/instance"));
}

}  // namespace
}  // namespace chrysalis::program
