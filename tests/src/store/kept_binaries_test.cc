#include "src/store/kept_binaries.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "src/base/tree_hash.h"
#include "tests/fakes/crashing_fs.h"
#include "tests/src/store/snapshot_fixture.h"

namespace chrysalis::store {
namespace {

using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class KeptBinariesTest : public SnapshotTest {
 protected:
  // A program as its owner installed it.
  fs::path program(const std::string& name, const std::string& bytes) {
    std::ofstream(dir_ / name, std::ios::binary | std::ios::trunc) << bytes;
    return dir_ / name;
  }
  std::string text(const fs::path& path) {
    return read_file(fs_, path, 1 << 20).value_or("");
  }

  KeptBinaries binaries_{paths_, fs_, *db_};
  const std::string sum_ = sha256_hex("vmm 1").value();
};

TEST_F(KeptBinariesTest, KeepsACopyOfItsOwn) {
  const fs::path original = program("vmm", "vmm 1");
  const auto kept = binaries_.keep(original, sum_);
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ(*kept, paths_.bin(sum_));
  EXPECT_EQ(fs_.stat(*kept)->mode, 0555U);
  program("vmm", "vmm 2 in its place");
  EXPECT_EQ(text(*kept), "vmm 1");
  EXPECT_EQ(binaries_.find(sum_).value(), *kept);
  EXPECT_EQ(binaries_.keep(dir_ / "gone", sum_).value(), *kept);
  EXPECT_EQ(fs_.list(paths_.bin_dir()).value(), std::vector<std::string>{sum_});
}

TEST_F(KeptBinariesTest, TakesNothingForWhatItIsNot) {
  EXPECT_EQ(binaries_.find(sum_).error().code, Code::kNotFound);
  EXPECT_EQ(binaries_.find("../node.db").error().code, Code::kInvalid);
  EXPECT_EQ(binaries_.keep(dir_ / "gone", sum_).error().code, Code::kNotFound);
  EXPECT_EQ(binaries_.keep(program("vmm", "vmm 2"), sum_).error().code,
            Code::kConflict);
  EXPECT_EQ(binaries_.find(sum_).error().code, Code::kNotFound);
}

TEST_F(KeptBinariesTest, ARottenCopyIsFoundAndMended) {
  const fs::path original = program("vmm", "vmm 1");
  ASSERT_TRUE(binaries_.keep(original, sum_).has_value());
  ::chmod(paths_.bin(sum_).c_str(), 0755);
  std::ofstream(paths_.bin(sum_)) << "rotten";
  KeptBinaries next(paths_, fs_, *db_);
  EXPECT_EQ(next.find(sum_).error().code, Code::kCorrupt);
  EXPECT_TRUE(next.keep(original, sum_).has_value());
  EXPECT_EQ(text(paths_.bin(sum_)), "vmm 1");
}

TEST_F(KeptBinariesTest, PrunesWhatNobodyNames) {
  std::vector<std::string> sums;
  for (const char* bytes : {"a", "b", "c", "d"}) {
    sums.push_back(sha256_hex(bytes).value());
    ASSERT_TRUE(binaries_.keep(program(bytes, bytes), sums.back()));
  }
  EXPECT_TRUE(binaries_.prune()->empty()) << "this process uses them";
  VmRecord vm = a_vm("vm-1");
  vm.vmm.sha256 = sums[0];
  SnapshotRecord snapshot = a_snapshot("snap-1");
  snapshot.vmm.sha256 = sums[1];
  ASSERT_TRUE(db_->commit({vm, snapshot}));
  std::ofstream(paths_.bin_dir() / (sums[0] + ".new")) << "half";

  KeptBinaries next(paths_, fs_, *db_);
  ASSERT_TRUE(next.find(sums[2]).has_value());
  EXPECT_THAT(next.prune().value(),
              UnorderedElementsAre(sums[3], sums[0] + ".new"));
  for (int i = 0; i < 3; ++i)
    EXPECT_TRUE(fs::exists(paths_.bin(sums[static_cast<size_t>(i)]))) << i;
}

// Kept means kept: whenever the power goes after keep() answered.
TEST_F(KeptBinariesTest, IsDurableWhenItSaysSo) {
  for (uint64_t n = 0;; ++n) {
    CrashingFs whole;
    for (const auto& part :
         {dir_.parent_path().parent_path(), dir_.parent_path(), dir_})
      if (part != "/") (void)whole.mkdir(part, 0755);
    ASSERT_TRUE(put_file(whole, dir_ / "vmm", 5000, 0755));
    CrashingFs::Loss all{CrashingFs::Bytes::kKept, UINT64_MAX};
    const auto disk = whole.after_power_loss(all, n);
    const auto bytes = read_file(*disk, dir_ / "vmm", 1 << 20).value();
    const std::string sum = sha256_hex(bytes).value();
    const bool kept =
        KeptBinaries(paths_, *disk, *db_).keep(dir_ / "vmm", sum).has_value();
    for (const auto& loss : disk->losses()) {
      const auto after = disk->after_power_loss(loss);
      KeptBinaries next(paths_, *after, *db_);
      const auto found = next.find(sum);
      EXPECT_TRUE(found || !kept) << n;
      EXPECT_TRUE(found || found.error().code == Code::kNotFound) << n;
      EXPECT_TRUE(next.keep(dir_ / "vmm", sum).has_value()) << n;
    }
    if (!disk->crashed()) break;
  }
}

}  // namespace
}  // namespace chrysalis::store
