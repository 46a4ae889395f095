#pragma once

// An image root, a boot file directory and a generation, in a directory that
// goes away. Files are written old enough for the digest cache to keep them.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "src/image/image_store.h"

namespace chrysalis::image {

using Path = std::filesystem::path;
inline constexpr uint64_t kMiB = 1 << 20;
inline constexpr time_t kLongAgo = 1'700'000'000;

inline void put(const Path& path, std::string_view bytes,
                time_t mtime = kLongAgo) {
  {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << bytes;
    ASSERT_TRUE(out.flush().good()) << path;
  }
  const timespec times[2] = {{mtime, 0}, {mtime, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

inline std::string get(const Path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline struct stat stat_of(const Path& path) {
  struct stat s{};
  EXPECT_EQ(::lstat(path.c_str(), &s), 0) << path;
  return s;
}

// One byte of data in a file of holes.
inline void put_sparse(const Path& path, uint64_t bytes, uint64_t at) {
  put(path, "");
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  ASSERT_EQ(::pwrite(fd.get(), "x", 1, static_cast<off_t>(at)), 1);
}

class ImageTest : public ::testing::Test {
 protected:
  ImageTest() : dir_(make_dir(::testing::TempDir())) {
    std::filesystem::create_directories(image());
    std::filesystem::create_directories(gen());
  }
  ~ImageTest() override { std::filesystem::remove_all(dir_); }

  static Path make_dir(const std::string& below) {
    std::string pattern = below + "/chrysalis-image-XXXXXX";
    return ::mkdtemp(pattern.data());
  }
  [[nodiscard]] Path root() const { return dir_ / "images"; }
  [[nodiscard]] Path image() const { return root() / "ubuntu"; }
  [[nodiscard]] Path gen() const { return dir_ / "gen-1"; }
  [[nodiscard]] Path boot() const { return dir_ / "boot"; }

  Path dir_;
  ImageStore store_{root(), boot()};
};

}  // namespace chrysalis::image
