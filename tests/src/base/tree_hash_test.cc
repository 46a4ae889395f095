#include "src/base/tree_hash.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "src/base/unique_fd.h"

namespace chrysalis {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class TreeHashTest : public ::testing::Test {
 protected:
  TreeHashTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-hash-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~TreeHashTest() override { std::filesystem::remove_all(dir_); }

  // A file of `bytes` with holes but for `data` at `at`; its hash, which is
  // the same by descriptor and through the seam.
  std::string hash_of(uint64_t bytes, uint64_t at, std::string_view data) {
    const auto path = dir_ / "f";
    std::filesystem::remove(path);
    const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
    EXPECT_EQ(
        ::pwrite(fd.get(), data.data(), data.size(), static_cast<off_t>(at)),
        static_cast<ssize_t>(data.size()));
    PosixFileSystem fs;
    auto file = fs.open(path, FileSystem::Mode::kRead, 0);
    const auto hash = tree_hash(fd.get(), bytes, path).value();
    EXPECT_EQ(tree_hash(**file, bytes, path).value(), hash);
    return hash;
  }

  std::filesystem::path dir_;
};

// The constants were computed by another program (Python's hashlib).
TEST(TreeHash, IsTheHashOfTheChunksHashes) {
  EXPECT_EQ(tree_hash("").value(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(tree_hash(std::string(2 * kMiB, '\0')).value(),
            "861890b487038d840e9d71d43bbc0fd4571453fb9d9b1f370caa3582a29b0ec7");
}

TEST_F(TreeHashTest, ContentAloneDecidesNotTheHoles) {
  const uint64_t sizes[] = {1,        kMiB - 1, kMiB,        kMiB + 1,
                            2 * kMiB, 4 * kMiB, 5 * kMiB + 7};
  for (const uint64_t size : sizes) {
    for (const uint64_t at : {uint64_t{0}, size / 2, size - 1}) {
      std::string dense(size, '\0');
      dense[at] = 'x';
      const std::string expected = tree_hash(dense).value();
      EXPECT_EQ(hash_of(size, at, "x"), expected) << size;
      EXPECT_EQ(hash_of(size, 0, dense), expected) << size;
    }
  }
}

TEST_F(TreeHashTest, AFileOfHolesHashesAsZeros) {
  EXPECT_EQ(hash_of(3 * kMiB + 9, 0, ""),
            tree_hash(std::string(3 * kMiB + 9, '\0')).value());
}

TEST_F(TreeHashTest, PlainHashIsThatOfTheWholeText) {
  const std::string text(3 * kMiB + 5, 'x');
  (void)hash_of(text.size(), 0, text);
  const UniqueFd fd(::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC));
  PosixFileSystem fs;
  auto file = fs.open(dir_ / "f", FileSystem::Mode::kRead, 0);
  EXPECT_EQ(sha256_hex(fd.get(), "f").value(), sha256_hex(text).value());
  EXPECT_EQ(sha256_hex(**file).value(), sha256_hex(text).value());
}

TEST_F(TreeHashTest, AFileThatShrankIsAConflict) {
  (void)hash_of(3, 0, "abc");
  const UniqueFd fd(::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(tree_hash(fd.get(), 4, "f").error().code, Code::kConflict);
  PosixFileSystem fs;
  auto file = fs.open(dir_ / "f", FileSystem::Mode::kRead, 0);
  EXPECT_EQ(tree_hash(**file, 4, "f").error().code, Code::kConflict);
}

}  // namespace
}  // namespace chrysalis
