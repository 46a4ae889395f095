#include "src/store/paths.h"

#include <gtest/gtest.h>

#include "src/store/node_db.h"

namespace chrysalis::store {
namespace {

constexpr std::string_view kUid = "0b3f6f3e-5f0c-4a35-9d6e-2c9a3d1f7e55";

TEST(StatePaths, LongestSocketStillFits) {
  const std::string root =
      "/" + std::string(StatePaths::kMaxRootBytes - 1, 'r');
  const auto paths = StatePaths::open(root);
  ASSERT_TRUE(paths.has_value()) << paths.error().message;
  const auto gen = paths->generation(kUid, StatePaths::kMaxGeneration);
  for (const auto& socket : {gen.api_socket(), gen.serial_socket(),
                             gen.shim_socket(), paths->control_socket()})
    EXPECT_LE(socket.native().size(), StatePaths::kMaxSocketPath) << socket;
  EXPECT_EQ(gen.serial_socket().native().size(), StatePaths::kMaxSocketPath);
}

TEST(StatePaths, RefusesARootThatSocketsCannotStandBelow) {
  const auto paths =
      StatePaths::open("/" + std::string(StatePaths::kMaxRootBytes, 'r'));
  ASSERT_FALSE(paths.has_value());
  EXPECT_EQ(paths.error().code, Code::kInvalid);
  EXPECT_NE(paths.error().message.find("choose a shorter one"),
            std::string::npos);
  EXPECT_EQ(StatePaths::open("var/lib").error().code, Code::kInvalid);
  EXPECT_EQ(StatePaths::open("/s", "imports").error().code, Code::kInvalid);
}

TEST(StatePaths, DrawsTheTree) {
  const auto paths = StatePaths::open("/s/").value();
  EXPECT_EQ(paths.root(), "/s");
  EXPECT_EQ(paths.node_db(), "/s/node.db");
  EXPECT_EQ(paths.bin("ab12"), "/s/bin/ab12");
  EXPECT_EQ(paths.generation("u1", 3).disk(0), "/s/vms/u1/gen-3/disk0");
  EXPECT_EQ(paths.generation("u1", 3).exit_status(), "/s/vms/u1/gen-3.exit");
  for (const auto& path : paths.generation("u1", 3).beside())
    EXPECT_TRUE(path.native().starts_with("/s/vms/u1/gen-3.")) << path;
  EXPECT_EQ(paths.snapshot("s1"), "/s/snapshots/s1");
  EXPECT_EQ(paths.staging("s1", 2), "/s/snapshots/.staging/s1-2");
  EXPECT_EQ(paths.import("ns", "dir"), "/s/imports/ns/dir");
  EXPECT_EQ(paths.retained("ns", "gold", kUid), "/s/imports/ns/gold-0b3f6f3e");
}

TEST(StatePaths, ComponentsCannotLeaveTheTree) {
  for (const std::string_view bad :
       {"", ".", "..", ".staging", "a/b", "a b", "a\n", "\xc3\xa9"})
    EXPECT_FALSE(StatePaths::valid_component(bad)) << bad;
  EXPECT_FALSE(StatePaths::valid_component(std::string(254, 'a')));
  EXPECT_TRUE(StatePaths::valid_component("ubuntu-24.04"));
  EXPECT_TRUE(StatePaths::valid_uid(kUid));
  EXPECT_FALSE(StatePaths::valid_uid("a.b"));
  EXPECT_FALSE(StatePaths::valid_uid(std::string(37, 'a')));
}

TEST(StatePathsDeathTest, AbortsRatherThanLeaveTheTree) {
  const auto paths = StatePaths::open("/s").value();
  EXPECT_DEATH((void)paths.vm("../etc"), "");
  EXPECT_DEATH((void)paths.import("ns", ".."), "");
}

}  // namespace
}  // namespace chrysalis::store
