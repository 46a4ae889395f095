#include "src/image/tree_hash.h"

#include "tests/src/image/image_fixture.h"

namespace chrysalis::image {
namespace {

using TreeHashTest = ImageTest;

std::string of_file(const Path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return tree_hash(fd.get(), std::filesystem::file_size(path), path).value();
}

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
      put_sparse(dir_ / "sparse", size, at);
      std::string dense(size, '\0');
      dense[at] = 'x';
      put(dir_ / "dense", dense);
      EXPECT_EQ(of_file(dir_ / "sparse"), tree_hash(dense).value()) << size;
      EXPECT_EQ(of_file(dir_ / "dense"), tree_hash(dense).value()) << size;
    }
  }
}

TEST_F(TreeHashTest, AFileOfHolesHashesAsZeros) {
  put(dir_ / "holes", "");
  std::filesystem::resize_file(dir_ / "holes", 3 * kMiB + 9);
  EXPECT_EQ(of_file(dir_ / "holes"),
            tree_hash(std::string(3 * kMiB + 9, '\0')).value());
}

TEST_F(TreeHashTest, AFileThatShrankIsAConflict) {
  put(dir_ / "f", "abc");
  const UniqueFd fd(::open((dir_ / "f").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(tree_hash(fd.get(), 4, "f").error().code, Code::kConflict);
}

}  // namespace
}  // namespace chrysalis::image
