#include "tests/src/image/image_fixture.h"

namespace chrysalis::image {
namespace {

using ::testing::HasSubstr;

class BootFilesTest : public ImageTest {
 protected:
  BootFilesTest() {
    put(image() / "kernel", "vmlinux");
    put(image() / "initrd", "cpio");
  }
  Image resolved() { return store_.resolve("ubuntu").value(); }
};

TEST_F(BootFilesTest, GenerationsLinkOurCopyAndNeverTheImage) {
  ASSERT_TRUE(store_.place_boot_files(resolved(), gen()).has_value());
  std::filesystem::create_directory(dir_ / "gen-2");
  ASSERT_TRUE(store_.place_boot_files(resolved(), dir_ / "gen-2").has_value());
  EXPECT_EQ(get(gen() / "kernel"), "vmlinux");
  EXPECT_EQ(get(gen() / "initrd"), "cpio");
  EXPECT_EQ(stat_of(gen() / "kernel").st_nlink, 3U);  // ours, gen-1, gen-2
  EXPECT_EQ(stat_of(gen() / "kernel").st_ino,
            stat_of(dir_ / "gen-2" / "kernel").st_ino);
  EXPECT_EQ(stat_of(image() / "kernel").st_nlink, 1U);
  EXPECT_EQ(stat_of(gen() / "kernel").st_mode & 07777, 0444U);
}

TEST_F(BootFilesTest, StayWhenTheImageChanges) {
  ASSERT_TRUE(store_.place_boot_files(resolved(), gen()).has_value());
  put(image() / "kernel", "another", kLongAgo + 1);
  EXPECT_EQ(get(gen() / "kernel"), "vmlinux");
  std::filesystem::create_directory(dir_ / "gen-2");
  ASSERT_TRUE(store_.place_boot_files(resolved(), dir_ / "gen-2").has_value());
  EXPECT_EQ(get(dir_ / "gen-2" / "kernel"), "another");
  EXPECT_EQ(get(gen() / "kernel"), "vmlinux");
}

TEST_F(BootFilesTest, AChangeSinceTheDigestIsAConflict) {
  const Image image_then = resolved();
  put(image() / "kernel", "changed", kLongAgo + 1);
  const auto placed = store_.place_boot_files(image_then, gen());
  ASSERT_FALSE(placed.has_value());
  EXPECT_EQ(placed.error().code, Code::kConflict);
  EXPECT_THAT(placed.error().message, HasSubstr("kernel changed"));
  EXPECT_FALSE(std::filesystem::exists(gen() / "kernel"));
  EXPECT_TRUE(std::filesystem::is_empty(boot()));
}

// Same size, same mtime: only the digest of the copy can tell.
TEST_F(BootFilesTest, TheCopyIsCheckedByItsDigest) {
  const Image image_then = resolved();
  put(image() / "kernel", "VMLINUX");
  const auto placed = store_.place_boot_files(image_then, gen());
  ASSERT_FALSE(placed.has_value());
  EXPECT_EQ(placed.error().code, Code::kConflict);
  EXPECT_THAT(placed.error().message, HasSubstr(image_then.kernel_hash));
  EXPECT_TRUE(std::filesystem::is_empty(boot()));
}

TEST_F(BootFilesTest, ReplacesWhatACrashLeft) {
  const Image image_now = resolved();
  std::filesystem::create_directory(boot());
  put(boot() / image_now.kernel_hash, "vmli");  // torn
  put(boot() / (image_now.initrd_hash + ".new"), "cp");
  put(gen() / "kernel", "of another attempt");
  ASSERT_TRUE(store_.place_boot_files(image_now, gen()).has_value());
  EXPECT_EQ(get(gen() / "kernel"), "vmlinux");
  EXPECT_EQ(get(gen() / "initrd"), "cpio");
  EXPECT_FALSE(
      std::filesystem::exists(boot() / (image_now.initrd_hash + ".new")));
}

TEST_F(BootFilesTest, NoInitrdLeavesNone) {
  std::filesystem::remove(image() / "initrd");
  put(gen() / "initrd", "of another attempt");
  ASSERT_TRUE(store_.place_boot_files(resolved(), gen()).has_value());
  EXPECT_FALSE(std::filesystem::exists(gen() / "initrd"));
}

TEST_F(BootFilesTest, AMissingGenerationIsSaid) {
  const auto placed = store_.place_boot_files(resolved(), dir_ / "gen-9");
  ASSERT_FALSE(placed.has_value());
  EXPECT_EQ(placed.error().code, Code::kNotFound);
  EXPECT_THAT(placed.error().message, HasSubstr("gen-9"));
}

TEST_F(BootFilesTest, CopiesWhereALinkCannotReach) {
  const Path shm = make_dir("/dev/shm");
  if (stat_of(shm).st_dev == stat_of(dir_).st_dev) {
    std::filesystem::remove_all(shm);
    GTEST_SKIP() << "/dev/shm is the same file system";
  }
  EXPECT_TRUE(store_.place_boot_files(resolved(), shm).has_value());
  EXPECT_EQ(get(shm / "kernel"), "vmlinux");
  EXPECT_EQ(stat_of(shm / "kernel").st_nlink, 1U);
  EXPECT_EQ(stat_of(shm / "kernel").st_mode & 07777, 0444U);
  std::filesystem::remove_all(shm);
}

}  // namespace
}  // namespace chrysalis::image
