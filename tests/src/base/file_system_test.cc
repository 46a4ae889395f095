#include "src/base/file_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace chrysalis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Mode = FileSystem::Mode;

class PosixFileSystemTest : public ::testing::Test {
 protected:
  PosixFileSystemTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-fs-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~PosixFileSystemTest() override { std::filesystem::remove_all(dir_); }

  void put(const std::filesystem::path& path, std::string_view bytes) {
    const auto file = fs_.open(path, Mode::kCreate, 0600);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ASSERT_TRUE((*file)->write_at(0, bytes).has_value());
  }

  PosixFileSystem fs_;
  std::filesystem::path dir_;
};

TEST_F(PosixFileSystemTest, CreateRefusesWhatExists) {
  put(dir_ / "a", "1");
  EXPECT_EQ(fs_.open(dir_ / "a", Mode::kCreate, 0600).error().code,
            Code::kConflict);
  EXPECT_EQ(fs_.open(dir_ / "b", Mode::kRead, 0).error().code, Code::kNotFound);
}

TEST_F(PosixFileSystemTest, FollowsNoLinkAndHangsOnNoFifo) {
  put(dir_ / "a", "1");
  ASSERT_EQ(::symlink((dir_ / "a").c_str(), (dir_ / "l").c_str()), 0);
  ASSERT_EQ(::mkfifo((dir_ / "f").c_str(), 0600), 0);
  EXPECT_EQ(fs_.open(dir_ / "l", Mode::kRead, 0).error().code, Code::kInvalid);
  EXPECT_EQ(fs_.open(dir_ / "f", Mode::kRead, 0).error().code, Code::kInvalid);
  EXPECT_EQ(fs_.chmod(dir_ / "l", 0777).error().code, Code::kInvalid);
  EXPECT_EQ(fs_.stat(dir_ / "l")->kind, FileStat::Kind::kLink);
  EXPECT_EQ(fs_.clone_file(dir_ / "l", dir_ / "c", 0600).error().code,
            Code::kInvalid);
}

TEST_F(PosixFileSystemTest, ClonesOntoAnotherFileSystem) {
  std::string pattern = "/dev/shm/chrysalis-fs-XXXXXX";
  const std::filesystem::path other = ::mkdtemp(pattern.data());
  std::string bytes(3 << 20, 'x');
  bytes.replace(1 << 20, 1 << 20, std::string(1 << 20, '\0'));
  put(dir_ / "a", bytes);
  const bool same = fs_.stat(other)->device == fs_.stat(dir_)->device;
  const auto cloned = fs_.clone_file(dir_ / "a", other / "b", 0600);
  EXPECT_TRUE(cloned.has_value()) << cloned.error().message;
  EXPECT_EQ(read_file(fs_, other / "b", 4 << 20).value_or(""), bytes);
  std::filesystem::remove_all(other);
  if (same) GTEST_SKIP() << "SKIPPED LOUDLY: no second file system here";
}

TEST_F(PosixFileSystemTest, ACopyEndsWithItsTimeAndLeavesNothing) {
  std::string pattern = "/dev/shm/chrysalis-fs-XXXXXX";
  const std::filesystem::path other = ::mkdtemp(pattern.data());
  put(dir_ / "a", std::string(1 << 20, 'x'));
  const bool same = fs_.stat(other)->device == fs_.stat(dir_)->device;
  const auto late =
      fs_.clone_file(dir_ / "a", other / "b", 0600, Mono::clock::now());
  const bool left = fs_.stat(other / "b").has_value();
  std::filesystem::remove_all(other);
  if (same) GTEST_SKIP() << "SKIPPED LOUDLY: no second file system here";
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code, Code::kTimeout);
  EXPECT_FALSE(left);
}

TEST_F(PosixFileSystemTest, ReadFileHoldsItsLimit) {
  put(dir_ / "a", "12345");
  EXPECT_EQ(read_file(fs_, dir_ / "a", 5).value(), "12345");
  const auto over = read_file(fs_, dir_ / "a", 4);
  EXPECT_EQ(over.error().code, Code::kInvalid);
  EXPECT_THAT(over.error().message, HasSubstr("at most 4"));
  put(dir_ / "empty", "");
  EXPECT_EQ(read_file(fs_, dir_ / "empty", 0).value(), "");
}

TEST_F(PosixFileSystemTest, RenameNoreplaceKeepsTheTarget) {
  put(dir_ / "a", "1");
  put(dir_ / "b", "2");
  EXPECT_EQ(fs_.rename_noreplace(dir_ / "a", dir_ / "b").error().code,
            Code::kConflict);
  EXPECT_EQ(read_file(fs_, dir_ / "b", 9).value(), "2");
  EXPECT_TRUE(fs_.rename_noreplace(dir_ / "a", dir_ / "c").has_value());
  EXPECT_THAT(fs_.list(dir_).value(), ElementsAre("b", "c"));
}

TEST_F(PosixFileSystemTest, CloneKeepsBytesAndHoles) {
  constexpr uint64_t kMiB = 1 << 20;
  {
    put(dir_ / "a", "");
    const auto file = fs_.open(dir_ / "a", Mode::kReadWrite, 0).value();
    ASSERT_TRUE(file->resize(8 * kMiB).has_value());
    ASSERT_TRUE(file->write_at(3 * kMiB, "data").has_value());
    EXPECT_EQ(file->next_data(0).value()->offset, 3 * kMiB);
  }
  ASSERT_TRUE(fs_.clone_file(dir_ / "a", dir_ / "b", 0640).has_value());
  const FileStat stat = fs_.stat(dir_ / "b").value();
  EXPECT_EQ(stat.size, 8 * kMiB);
  EXPECT_LT(stat.allocated, kMiB);
  EXPECT_EQ(stat.mode, 0640u);
  EXPECT_EQ(read_file(fs_, dir_ / "a", 9 * kMiB).value(),
            read_file(fs_, dir_ / "b", 9 * kMiB).value());
  EXPECT_EQ(fs_.clone_file(dir_ / "a", dir_ / "b", 0640).error().code,
            Code::kConflict);
}

TEST_F(PosixFileSystemTest, PunchGivesBlocksBackAndKeepsTheSize) {
  put(dir_ / "a", std::string(1 << 20, 'x'));
  const auto file = fs_.open(dir_ / "a", Mode::kReadWrite, 0).value();
  ASSERT_TRUE(file->punch({4096, 8192}).has_value());
  const std::string bytes = read_file(fs_, dir_ / "a", 2 << 20).value();
  EXPECT_EQ(bytes.size(), 1u << 20);
  EXPECT_EQ(bytes.substr(4096, 8192), std::string(8192, '\0'));
  EXPECT_EQ(bytes[4095], 'x');
  EXPECT_EQ(*file->next_data(0).value(), (Extent{0, 4096}));
}

TEST_F(PosixFileSystemTest, RemoveTreeIsOkTwiceAndFollowsNoLink) {
  ASSERT_TRUE(fs_.mkdir(dir_ / "keep", 0700).has_value());
  put(dir_ / "keep/a", "1");
  ASSERT_TRUE(fs_.mkdir(dir_ / "d", 0700).has_value());
  ASSERT_EQ(::symlink((dir_ / "keep").c_str(), (dir_ / "d/l").c_str()), 0);
  EXPECT_TRUE(fs_.remove_tree(dir_ / "d").has_value());
  EXPECT_TRUE(fs_.remove_tree(dir_ / "d").has_value());
  EXPECT_TRUE(fs_.stat(dir_ / "keep/a").has_value());
}

TEST_F(PosixFileSystemTest, DurableReplaceWritesModeAndLeavesNoTemp) {
  ASSERT_TRUE(durable_replace(fs_, dir_ / "a", "old", 0600).has_value());
  put(dir_ / ".a.tmp", "half of something");  // a crash's
  ASSERT_TRUE(durable_replace(fs_, dir_ / "a", "new", 0640).has_value());
  EXPECT_EQ(read_file(fs_, dir_ / "a", 9).value(), "new");
  EXPECT_EQ(fs_.stat(dir_ / "a")->mode, 0640u);
  EXPECT_THAT(fs_.list(dir_).value(), ElementsAre("a"));
  EXPECT_FALSE(durable_replace(fs_, dir_ / "none/a", "x").has_value());
}

}  // namespace
}  // namespace chrysalis
