#pragma once

// A state directory with a database, and snapshots staged in it as a dump
// leaves them: RAM with holes and written zeros, disks, kernel, initrd.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "src/base/file_system.h"
#include "src/model/guest_files.h"
#include "src/store/node_db.h"
#include "src/store/snapshot_files.h"
#include "tests/src/store/a_snapshot.h"

namespace chrysalis::store {

// `name` with `bytes`, of which the first two pages are written: one of text,
// one of zeros.
inline Result<void> put_file(FileSystem& fs, const std::filesystem::path& path,
                             uint64_t bytes, uint32_t mode) {
  CHRYSALIS_ASSIGN(auto file, fs.open(path, FileSystem::Mode::kCreate, mode));
  const std::string head = "this is " + path.filename().string() + "\n";
  const std::string zeros(8192 - head.size(), '\0');
  CHRYSALIS_TRY(file->write_at(
      0, (head + zeros).substr(0, std::min<uint64_t>(bytes, 8192))));
  CHRYSALIS_TRY(file->resize(bytes));
  return {};
}

inline Result<void> stage(FileSystem& fs, const StatePaths& paths,
                          const std::filesystem::path& staging,
                          const SnapshotRecord& record) {
  for (const auto& directory :
       {paths.snapshots_dir(), paths.staging_dir(), staging}) {
    auto made = fs.mkdir(directory, 0711);
    if (!made && made.error().code != Code::kConflict) return made;
  }
  for (const std::string& name : snapshot_file_names(record)) {
    const bool boots = name == model::kKernel || name == model::kInitrd;
    CHRYSALIS_TRY(put_file(fs, staging / name, size_of(record, name),
                           boots ? 0444 : 0600));
  }
  return {};
}

class SnapshotTest : public ::testing::Test {
 protected:
  explicit SnapshotTest(const std::string& below = ::testing::TempDir())
      : dir_(make_dir(below)) {
    auto db = NodeDb::open(dir_ / "node.db");
    EXPECT_TRUE(db.has_value()) << db.error().message;
    db_ = std::move(*db);
  }
  ~SnapshotTest() override { std::filesystem::remove_all(dir_); }

  static std::filesystem::path make_dir(const std::string& below) {
    std::string pattern = below + "/chrysalis-snap-XXXXXX";
    return ::mkdtemp(pattern.data());
  }

  // A store as the agent has one; every call is another life of it.
  std::unique_ptr<SnapshotFiles> store(
      SnapshotFiles::Verify verify = SnapshotFiles::Verify::kOnce,
      std::string boot_id = "boot-1") {
    return std::make_unique<SnapshotFiles>(
        paths_, fs_, *db_,
        SnapshotFiles::Options{verify, std::move(boot_id), std::nullopt});
  }

  // Staged, published, and called ready.
  SnapshotRecord publish(SnapshotRecord record) {
    const auto staging = paths_.staging(record.uid, 1);
    const auto staged = stage(fs_, paths_, staging, record);
    EXPECT_TRUE(staged.has_value()) << staged.error().message;
    auto published = store()->publish(staging, record);
    EXPECT_TRUE(published.has_value()) << published.error().message;
    if (!published) return record;
    published->record.ready = true;
    EXPECT_TRUE(db_->commit({published->record, published->verified}));
    return published->record;
  }

  // Leaves size and mtime as they were.
  // Also of a file that nobody may write.
  static void cut(const std::filesystem::path& path, uint64_t bytes) {
    struct stat before{};
    ASSERT_EQ(::stat(path.c_str(), &before), 0) << path;
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    std::filesystem::resize_file(path, bytes);
    ASSERT_EQ(::chmod(path.c_str(), before.st_mode), 0);
  }
  static void flip_byte(const std::filesystem::path& path) {
    struct stat before{};
    ASSERT_EQ(::stat(path.c_str(), &before), 0) << path;
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    std::FILE* file = std::fopen(path.c_str(), "r+");
    ASSERT_NE(file, nullptr) << path;
    std::fseek(file, 5, SEEK_SET);
    const int byte = std::fgetc(file);
    std::fseek(file, 5, SEEK_SET);
    std::fputc(byte ^ 1, file);
    std::fclose(file);
    ASSERT_EQ(::chmod(path.c_str(), before.st_mode), 0);
    const timespec times[2] = {before.st_atim, before.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }

  std::filesystem::path dir_;
  StatePaths paths_ = StatePaths::open(dir_).value();
  PosixFileSystem fs_;
  std::unique_ptr<NodeDb> db_;
};

}  // namespace chrysalis::store
