// Real directories, real inotify; waits are bounded and end by an event.

#include "controller/runtime/directory/directory_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace chrysalis::runtime::directory {
namespace {

namespace fs = std::filesystem;

class DirectoryWatchTest : public ::testing::Test {
 protected:
  DirectoryWatchTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-watch-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    dir_ = root_ / "manifests";
    fs::create_directory(dir_);
  }
  ~DirectoryWatchTest() override { fs::remove_all(root_); }

  void write(const std::string& name) const {
    std::ofstream(dir_ / name) << "x: 1\n";
  }
  // Far more than it takes; only a failure waits for it.
  static constexpr milliseconds kLong{30'000};
  static constexpr milliseconds kNone{0};

  fs::path root_, dir_;
};

TEST_F(DirectoryWatchTest, HearsOfWrittenRenamedAndRemovedManifests) {
  DirectoryWatch watch(dir_);
  watch.arm();
  EXPECT_FALSE(watch.wait(kNone));
  write("a.yaml");
  EXPECT_TRUE(watch.wait(kLong));
  fs::rename(dir_ / "a.yaml", dir_ / "b.yaml");
  EXPECT_TRUE(watch.wait(kLong));
  fs::remove(dir_ / "b.yaml");
  EXPECT_TRUE(watch.wait(kLong));
  EXPECT_FALSE(watch.wait(kNone));
}

TEST_F(DirectoryWatchTest, IsNotWokenByOtherFilesOrHalfWrittenOnes) {
  DirectoryWatch watch(dir_);
  watch.arm();
  write("virtualmachine.default.a.status.yaml");
  write(".b.yaml.tmp");
  write("notes.txt");
  std::ofstream open_file(dir_ / "c.yaml");
  open_file << "half" << std::flush;
  EXPECT_FALSE(watch.wait(kNone));
  open_file.close();
  EXPECT_TRUE(watch.wait(kLong));
}

TEST_F(DirectoryWatchTest, FollowsADirectoryThatWasReplaced) {
  DirectoryWatch watch(dir_);
  watch.arm();
  fs::rename(dir_, root_ / "old");
  EXPECT_TRUE(watch.wait(kLong));
  fs::create_directory(dir_);
  watch.arm();
  while (watch.wait(kNone)) {
  }
  std::ofstream(root_ / "old" / "a.yaml") << "x";
  EXPECT_FALSE(watch.wait(kNone));
  write("a.yaml");
  EXPECT_TRUE(watch.wait(kLong));
}

TEST_F(DirectoryWatchTest, AMissingDirectoryIsLookedForSoon) {
  fs::remove(dir_);
  DirectoryWatch watch(dir_);
  watch.arm();
  EXPECT_FALSE(watch.wait(seconds{3600}));  // ends after kUnwatched
}

TEST_F(DirectoryWatchTest, CanBeWoken) {
  DirectoryWatch watch(dir_);
  watch.arm();
  std::jthread other([&] { watch.wake(); });
  EXPECT_TRUE(watch.wait(kLong));
}

}  // namespace
}  // namespace chrysalis::runtime::directory
