// On directories that look like cgroup v2, since few build hosts have one with
// memory: what is written where, and that nothing fails where it cannot be.

#include "src/engine/hands/cgroups.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace chrysalis::engine {
namespace {

namespace fs = std::filesystem;

class CgroupsTest : public testing::Test {
 protected:
  CgroupsTest() {
    std::string pattern = testing::TempDir() + "chrysalis-cgroup-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    put("cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma\n");
    put("cgroup.subtree_control", "");
    put("chrysalis/cgroup.subtree_control", "");
    put("chrysalis/vm-1.2/memory.max", "max\n");
    put("chrysalis/vm-1.2/pids.max", "max\n");
  }
  ~CgroupsTest() override { fs::remove_all(root_); }

  void put(const std::string& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  std::string get(const std::string& file) {
    std::ifstream in(root_ / file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path root_;
};

TEST_F(CgroupsTest, AVmmMayHaveItsGuestsMemoryAndABit) {
  Cgroups cgroups(root_);
  const auto group = cgroups.make("vm-1", 2, uint64_t{64} << 20);
  ASSERT_TRUE(group);
  EXPECT_EQ(*group, root_ / "chrysalis/vm-1.2");
  EXPECT_EQ(get("cgroup.subtree_control"), "+memory +pids");
  EXPECT_EQ(get("chrysalis/cgroup.subtree_control"), "+memory +pids");
  EXPECT_EQ(get("chrysalis/vm-1.2/memory.max"), "201326592");
  EXPECT_EQ(get("chrysalis/vm-1.2/pids.max").substr(0, 4), "1024");
}

TEST_F(CgroupsTest, WithoutMemoryOrPidsThereIsNoneAndNothingIsMade) {
  for (const char* has : {"", "hugetlb\n", "memory\n", "pids\n"}) {
    put("cgroup.controllers", has);
    fs::remove_all(root_ / "chrysalis");
    Cgroups cgroups(root_);
    EXPECT_FALSE(cgroups.make("vm-1", 1, 1)) << has;
    EXPECT_FALSE(fs::exists(root_ / "chrysalis")) << has;
  }
  Cgroups nowhere(root_ / "none");
  EXPECT_FALSE(nowhere.make("vm-1", 1, 1));
  nowhere.remove("vm-1", 1);
  Cgroups unnamed("");
  EXPECT_FALSE(unnamed.make("vm-1", 1, 1));
}

// A new directory of this root has no memory.max: the kernel said no.
TEST_F(CgroupsTest, AGroupThatTakesNoLimitIsNotUsed) {
  Cgroups cgroups(root_);
  EXPECT_FALSE(cgroups.make("vm-2", 1, 1));
  EXPECT_FALSE(fs::exists(root_ / "chrysalis/vm-2.1"));
}

TEST_F(CgroupsTest, IsRemovedWhenNothingLivesInIt) {
  Cgroups cgroups(root_);
  cgroups.remove("vm-1", 2);  // it holds files here: as if it were in use
  EXPECT_TRUE(fs::exists(root_ / "chrysalis/vm-1.2"));
  for (const char* file : {"memory.max", "pids.max"})
    fs::remove(root_ / "chrysalis/vm-1.2" / file);
  cgroups.remove("vm-1", 2);
  EXPECT_FALSE(fs::exists(root_ / "chrysalis/vm-1.2"));
}

}  // namespace
}  // namespace chrysalis::engine
