// Snapshots of VMs whose VMM is not to be trusted any more.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "src/base/file_system.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

class NodeFreeze : public NodeTest {
 protected:
  Outcome take(const std::string& vm, const std::string& uid) {
    return run(vm, SnapshotRequest{uid, "default", uid});
  }
};

// Root would copy the disks through the link, or take another's files.
TEST_P(NodeFreeze, ADumpSwappedForALinkIsNeverWrittenThrough) {
  boot("vm-1");
  const auto victim = root_ / "victim";
  std::filesystem::create_directory(victim);
  fault("vm-1", 1, R"({"hostile-dump":"swap:)" + victim.string() + "\"}");
  const Outcome outcome = take("vm-1", "snap-1");
  EXPECT_TRUE(std::filesystem::is_empty(victim));
  EXPECT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
}

// It could write to what was hashed: no snapshot comes of it.
TEST_P(NodeFreeze, ADumpThatItsVmmKeepsOpenIsRefused) {
  boot("vm-1");
  fault("vm-1", 1, R"({"hostile-dump":"keep-open"})");
  const Outcome outcome = take("vm-1", "snap-1");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.reason, Reason::kCorrupt);
  EXPECT_THAT(outcome.message,
              testing::HasSubstr("is open for writing: it could change"));
  EXPECT_FALSE(engine().snapshot("snap-1").record);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
}

// A clone of it would open what its VMM wrote there.
TEST_P(NodeFreeze, ADumpThatNamesAHostsDeviceIsNoSnapshot) {
  if (GetParam() != model::Hypervisor::kCloudHypervisor) return;  // names none
  boot("vm-1");
  fault("vm-1", 1, R"({"hostile-dump":"device"})");
  const Outcome outcome = take("vm-1", "snap-1");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.reason, Reason::kCorrupt);
  EXPECT_THAT(outcome.message,
              testing::HasSubstr("config.json: devices is not a part of"));
  EXPECT_FALSE(engine().snapshot("snap-1").record);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
}

// 64 MiB of memory and 16 MiB of disk at 500 MB/s.
TEST_P(NodeFreeze, ThePauseIsEstimatedWithTheDisksThatAreCopied) {
  PosixFileSystem fs;
  std::ofstream(root_ / "a") << "a";
  const auto cloned = fs.clone_file(root_ / "a", root_ / "b", 0600);
  ASSERT_TRUE(cloned);
  const bool copies = *cloned == FileSystem::Cloned::kCopy;
  close();
  max_pause_ = milliseconds{140};
  open();
  boot("vm-1");
  std::fstream(first_generation("vm-1").disk(0),
               std::ios::in | std::ios::out | std::ios::binary)
      << std::string(size_t{16} << 20, 'x') << std::flush;
  const Outcome outcome = take("vm-1", "snap-1");
  EXPECT_EQ(outcome.refused, copies);
  if (!copies) return;
  EXPECT_EQ(outcome.reason, Reason::kPauseBudgetExceeded);
  EXPECT_THAT(outcome.message, testing::HasSubstr("estimated at 160 ms"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeFreeze,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
