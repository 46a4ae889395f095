#include "src/hypervisor/open_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {
namespace {

const OpenFile* find(const std::vector<OpenFile>& files, int fd) {
  struct stat own{};
  EXPECT_EQ(::fstat(fd, &own), 0);
  const auto at = std::ranges::find_if(files, [&](const OpenFile& file) {
    return file.device == own.st_dev && file.inode == own.st_ino;
  });
  return at == files.end() ? nullptr : &*at;
}

TEST(OpenFiles, TellsInodeRightsAndNamesOfItsOwn) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("chrysalis-open-files-" + std::to_string(::getpid()));
  std::ofstream(path) << "x";
  const UniqueFd reading(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd nameless(::memfd_create("x", MFD_CLOEXEC));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd one(ends[0]), other(ends[1]);

  auto files = open_files(::getpid());
  ASSERT_TRUE(files) << files.error().message;
  const OpenFile* read_only = find(*files, reading.get());
  ASSERT_NE(read_only, nullptr);
  EXPECT_FALSE(read_only->writable);
  EXPECT_EQ(read_only->links, 1U);
  EXPECT_EQ(read_only->shown, path);
  const OpenFile* memory = find(*files, nameless.get());
  ASSERT_NE(memory, nullptr);
  EXPECT_TRUE(memory->writable);
  EXPECT_EQ(memory->links, 0U);
  EXPECT_EQ(find(*files, one.get()), nullptr);  // no regular file

  const UniqueFd writing(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  files = open_files(::getpid());
  ASSERT_TRUE(files);
  EXPECT_TRUE(std::ranges::any_of(*files, [&](const OpenFile& file) {
    return file.writable && file.shown == path;
  }));
  std::filesystem::remove(path);
}

TEST(OpenFiles, OfNobodyIsNotFound) {
  const auto files = open_files(4'194'304 + 1);  // above any pid
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace chrysalis::hypervisor
