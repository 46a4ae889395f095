// Power is lost after a generation was staged: it is whole, as its record is.

#include "src/engine/hands/stage_files.h"

#include <gtest/gtest.h>

#include "src/model/guest_files.h"
#include "tests/fakes/crashing_fs.h"

namespace chrysalis::engine {
namespace {

const std::filesystem::path kSnapshot = "/s/snapshots/snap-1";
const store::GenerationPaths kTo{"/s/vms/vm-2/gen-1"};

class StageFilesTest : public testing::TestWithParam<model::Hypervisor> {
 protected:
  StageFilesTest() {
    snapshot_.config.hypervisor = GetParam();
    snapshot_.has_initrd = true;
    store::Disk disk;
    disk.file = disk.id = "disk0";
    snapshot_.disks.push_back(disk);
    for (const auto name : model::dump_files(GetParam()).names)
      if (!name.empty()) names_.emplace_back(name);
    for (const char* name : {"disk0", "kernel", "initrd"})
      names_.emplace_back(name);
  }
  // STATE as it is before: a snapshot, durable.
  void fill(FileSystem& disk) {
    for (const char* path : {"/s", "/s/vms", "/s/snapshots"})
      EXPECT_TRUE(disk.mkdir(path, 0711));
    EXPECT_TRUE(disk.mkdir(kSnapshot, 0750));
    for (const std::string& name : names_) {
      auto file = disk.open(kSnapshot / name, FileSystem::Mode::kCreate, 0440);
      ASSERT_TRUE(file);
      EXPECT_TRUE((*file)->write_at(0, "bytes of " + name));
      EXPECT_TRUE((*file)->sync());
    }
    for (const auto& path :
         {kSnapshot, kSnapshot.parent_path(), std::filesystem::path("/s"),
          std::filesystem::path("/")})
      EXPECT_TRUE(disk.sync_dir(path));
  }
  Result<> stage(FileSystem& disk) {
    CHRYSALIS_TRY(make_generation(disk, kTo, 5));
    CHRYSALIS_ASSIGN(Staged staged,
                     stage_snapshot(disk, kSnapshot, kTo, snapshot_, 5));
    staged.vm_json = "its record";
    return make_durable(disk, kTo, staged);
  }
  void expect_whole(FileSystem& disk) {
    for (const std::string& name : names_) {
      const auto bytes = read_file(disk, kTo.directory / name, 100);
      ASSERT_TRUE(bytes) << bytes.error().message;
      EXPECT_EQ(*bytes, "bytes of " + name);
    }
    EXPECT_EQ(read_file(disk, kTo.vm_json(), 100), "its record");
  }

  store::SnapshotRecord snapshot_;
  std::vector<std::string> names_;
};

TEST_P(StageFilesTest, WhatWasStagedOutlivesPowerLoss) {
  CrashingFs disk;
  fill(disk);
  const auto staged = stage(disk);
  ASSERT_TRUE(staged) << staged.error().message;
  for (const auto& loss : disk.losses())
    expect_whole(*disk.after_power_loss(loss));
}

TEST_P(StageFilesTest, ACutOffAttemptIsMadeAnew) {
  CrashingFs whole;
  fill(whole);
  const uint64_t filling = whole.operations();
  for (uint64_t n = 0;; ++n) {
    CrashingFs disk(filling + n);
    fill(disk);
    const bool done = stage(disk).has_value();
    for (const auto& loss : disk.losses()) {
      const auto after = disk.after_power_loss(loss);
      EXPECT_TRUE(stage(*after));
      expect_whole(*after);
    }
    if (done) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, StageFilesTest,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
