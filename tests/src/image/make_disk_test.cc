#include <limits>

#include "src/image/new_file.h"
#include "tests/src/image/image_fixture.h"

namespace chrysalis::image {
namespace {

using ::testing::HasSubstr;

class MakeDiskTest : public ImageTest {
 protected:
  MakeDiskTest() {
    put(image() / "kernel", "vmlinux");
    put_sparse(image() / "disk.raw", 8 * kMiB, 5 * kMiB + 3);
  }
  Image resolved() { return store_.resolve("ubuntu").value(); }
  Result<void> make(const Image& image, uint64_t bytes) {
    return store_.make_disk(image, disk(), bytes, ::geteuid());
  }
  [[nodiscard]] Path disk() const { return gen() / "disk0"; }
};

TEST_F(MakeDiskTest, HasTheBytesAndIsGrown) {
  ASSERT_TRUE(make(resolved(), 16 * kMiB).has_value());
  std::string expected(16 * kMiB, '\0');
  expected[5 * kMiB + 3] = 'x';
  EXPECT_TRUE(get(disk()) == expected);
  EXPECT_EQ(stat_of(disk()).st_mode & 07777, 0600U);
  EXPECT_NE(stat_of(disk()).st_ino, stat_of(image() / "disk.raw").st_ino);
  EXPECT_LT(stat_of(disk()).st_blocks * 512, static_cast<int64_t>(kMiB));
}

TEST_F(MakeDiskTest, OfExactlyTheImagesSizeAndOneLess) {
  EXPECT_TRUE(make(resolved(), 8 * kMiB).has_value());
  EXPECT_EQ(std::filesystem::file_size(disk()), 8 * kMiB);
  EXPECT_TRUE(make(resolved(), 8 * kMiB + 1).has_value());
  const auto small = make(resolved(), 8 * kMiB - 1);
  ASSERT_FALSE(small.has_value());
  EXPECT_EQ(small.error().code, Code::kInvalid);
  EXPECT_THAT(small.error().message,
              AllOf(HasSubstr("8388607"), HasSubstr("8388608")));
  // Refused before anything was touched.
  EXPECT_EQ(std::filesystem::file_size(disk()), 8 * kMiB + 1);
}

TEST_F(MakeDiskTest, CopiesDenseDataWhole) {
  std::string dense(3 * kMiB + 5, '\0');
  for (size_t i = 0; i < dense.size(); ++i)
    dense[i] = static_cast<char>(i * 31 >> 7);
  put(image() / "disk.raw", dense);
  ASSERT_TRUE(make(resolved(), dense.size()).has_value());
  EXPECT_TRUE(get(disk()) == dense);
}

TEST_F(MakeDiskTest, AnImageWithoutADiskGivesAnEmptySparseOne) {
  std::filesystem::remove(image() / "disk.raw");
  ASSERT_TRUE(make(resolved(), 64 * kMiB).has_value());
  EXPECT_EQ(std::filesystem::file_size(disk()), 64 * kMiB);
  EXPECT_EQ(stat_of(disk()).st_blocks, 0);
}

TEST_F(MakeDiskTest, SizesNoDiskCanHaveAreInvalid) {
  for (const uint64_t bytes :
       {uint64_t{0}, std::numeric_limits<uint64_t>::max(),
        static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + 1}) {
    const auto made = make(resolved(), bytes);
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Code::kInvalid) << bytes;
    EXPECT_FALSE(std::filesystem::exists(disk()));
  }
}

TEST_F(MakeDiskTest, ReplacesWhatACrashLeftAndFollowsNoLink) {
  put(disk(), std::string(20 * kMiB, 'z'));
  ASSERT_TRUE(make(resolved(), 16 * kMiB).has_value());
  EXPECT_EQ(std::filesystem::file_size(disk()), 16 * kMiB);
  put(dir_ / "secret", "keep");
  std::filesystem::remove(disk());
  std::filesystem::create_symlink(dir_ / "secret", disk());
  ASSERT_TRUE(make(resolved(), 16 * kMiB).has_value());
  EXPECT_EQ(get(dir_ / "secret"), "keep");
  EXPECT_TRUE(S_ISREG(stat_of(disk()).st_mode));
}

TEST_F(MakeDiskTest, AChangeSinceTheDigestIsAConflictAndLeavesNothing) {
  const Image image_then = resolved();
  {
    const UniqueFd fd(
        ::open((image() / "disk.raw").c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), "y", 1, 0), 1);
  }
  auto made = make(image_then, 16 * kMiB);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kConflict);
  EXPECT_THAT(made.error().message, HasSubstr("disk.raw changed"));
  EXPECT_FALSE(std::filesystem::exists(disk()));
  EXPECT_TRUE(make(resolved(), 16 * kMiB).has_value());
}

TEST_F(MakeDiskTest, AnImageThatShrankIsAConflict) {
  put(image() / "disk.raw", std::string(2 * kMiB, 'd'));
  const Image image_then = resolved();
  std::filesystem::resize_file(image() / "disk.raw", kMiB);
  EXPECT_EQ(make(image_then, 16 * kMiB).error().code, Code::kConflict);
  EXPECT_FALSE(std::filesystem::exists(disk()));
}

// The files are open: what is put in their place belongs to the next resolve.
TEST_F(MakeDiskTest, AReplacedFileDoesNotMixTwoImages) {
  const Image image_then = resolved();
  std::filesystem::remove(image() / "disk.raw");
  put(image() / "disk.raw", std::string(8 * kMiB, 'n'));
  ASSERT_TRUE(make(image_then, 8 * kMiB).has_value());
  EXPECT_EQ(get(disk())[5 * kMiB + 3], 'x');
}

TEST_F(MakeDiskTest, BelongsToTheVm) {
  if (::geteuid() != 0) GTEST_SKIP() << "chown needs root";
  ASSERT_TRUE(
      store_.make_disk(resolved(), disk(), 8 * kMiB, 23'456).has_value());
  EXPECT_EQ(stat_of(disk()).st_uid, 23'456U);
}

// Two file systems: no reflink and no copy in the kernel.
TEST_F(MakeDiskTest, CopiesAcrossFileSystems) {
  const Path shm = make_dir("/dev/shm");
  if (stat_of(shm).st_dev == stat_of(dir_).st_dev) {
    std::filesystem::remove_all(shm);
    GTEST_SKIP() << "/dev/shm is the same file system";
  }
  std::string expected(9 * kMiB, '\0');
  expected[5 * kMiB + 3] = 'x';
  EXPECT_TRUE(store_.make_disk(resolved(), shm / "disk0", 9 * kMiB, ::geteuid())
                  .has_value());
  EXPECT_TRUE(get(shm / "disk0") == expected);
  EXPECT_LT(stat_of(shm / "disk0").st_blocks * 512,
            static_cast<int64_t>(2 * kMiB));
  std::filesystem::remove_all(shm);
}

}  // namespace
}  // namespace chrysalis::image
