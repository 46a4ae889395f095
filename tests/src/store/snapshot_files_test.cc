// Publish, verify, remove.

#include "src/store/snapshot_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "src/store/record_text.h"
#include "tests/src/store/snapshot_fixture.h"

namespace chrysalis::store {
namespace {

using ::testing::HasSubstr;
using Verify = SnapshotFiles::Verify;
namespace fs = std::filesystem;

class SnapshotFilesTest : public SnapshotTest {
 protected:
  // Stages, lets `spoil` change it, and answers why it was refused.
  template <class Spoil>
  Error refused(const Spoil& spoil) {
    const auto staging = paths_.staging("snap-1", 1);
    fs::remove_all(staging);
    SnapshotRecord record = a_valid_snapshot("snap-1");
    EXPECT_TRUE(stage(fs_, paths_, staging, record));
    spoil(staging, record);
    const auto published = store()->publish(staging, record);
    EXPECT_FALSE(published.has_value());
    EXPECT_FALSE(fs::exists(paths_.snapshot("snap-1")));
    return published ? Error{} : published.error();
  }
  Error verify_error(const SnapshotRecord& record) {
    const auto verified = store(Verify::kAlways)->verify(record);
    EXPECT_FALSE(verified.has_value());
    return verified ? Error{} : verified.error();
  }
};

TEST_F(SnapshotFilesTest, PublishesWhatWasStaged) {
  for (const auto kind : model::kHypervisors) {
    const std::string uid = "snap-" + std::string(to_string(kind));
    const SnapshotRecord record = publish(a_valid_snapshot(uid, kind));
    const fs::path dir = paths_.snapshot(uid);
    EXPECT_FALSE(fs::exists(paths_.staging(uid, 1)));

    const std::string bytes =
        read_file(fs_, dir / kManifestFile, 1 << 20).value();
    EXPECT_EQ(record.manifest_digest, manifest_digest(bytes).value());
    const auto manifest = decode_manifest(bytes);
    ASSERT_TRUE(manifest.has_value()) << manifest.error().message;
    for (const ManifestFile& file : manifest->files) {
      const FileStat stat = fs_.stat(dir / file.name).value();
      EXPECT_EQ(stat.size, file.bytes) << file.name;
      EXPECT_EQ(stat.mode & 0222U, 0U) << file.name;
    }
    // Two pages were written, of which one was of zeros; a file system may
    // have larger blocks, but none of a whole MiB.
    EXPECT_GT(record.memory_bytes, 0U);
    EXPECT_LT(record.memory_bytes, 1U << 20);
    EXPECT_EQ(manifest->file("disk0")->data_bytes +
                  (kind == model::Hypervisor::kCloudHypervisor
                       ? manifest->file("disk1")->data_bytes
                       : 0),
              record.disk_bytes);

    const auto text = read_file(fs_, dir / kSnapshotRecordFile, 1 << 20);
    SnapshotRecord said = record;
    said.ready = false;  // it was written before
    EXPECT_EQ(snapshot_record_from_text(text.value()).value(), said);
    EXPECT_TRUE(store(Verify::kAlways)->verify(record).has_value());
  }
}

TEST_F(SnapshotFilesTest, WrittenZerosAreGivenBack) {
  const auto staging = paths_.staging("snap-1", 1);
  SnapshotRecord record = a_valid_snapshot("snap-1");
  ASSERT_TRUE(stage(fs_, paths_, staging, record));
  {
    auto ram =
        fs_.open(staging / "memory-ranges", FileSystem::Mode::kReadWrite, 0);
    ASSERT_TRUE((*ram)->write_at(1 << 20, std::string(8 << 20, '\0')));
    ASSERT_TRUE((*ram)->write_at(5 << 20, "not all of it"));
  }
  const uint64_t before = fs_.stat(staging / "memory-ranges")->allocated;
  const auto published = store()->publish(staging, record);
  ASSERT_TRUE(published.has_value()) << published.error().message;
  const uint64_t after =
      fs_.stat(paths_.snapshot("snap-1") / "memory-ranges")->allocated;
  EXPECT_GE(before, 8U << 20);
  EXPECT_LT(after, 1U << 20);
  EXPECT_LT(published->record.memory_bytes, 1U << 20);
}

TEST_F(SnapshotFilesTest, PublishesNothingThatIsNotWhole) {
  using Path = fs::path;
  for (const std::string& name :
       snapshot_file_names(a_valid_snapshot("snap-1"))) {
    const Error gone = refused(
        [&](const Path& staging, auto&) { fs::remove(staging / name); });
    EXPECT_EQ(gone.code, Code::kCorrupt);
    EXPECT_THAT(gone.message, HasSubstr(name + " is missing"));
    EXPECT_THAT(refused([&](const Path& staging, auto&) {
                  fs::rename(staging / name, dir_ / "away");
                  fs::create_symlink(dir_ / "away", staging / name);
                }).message,
                HasSubstr(name + " is not a regular file"));
    fs::remove(dir_ / "away");
  }
  EXPECT_THAT(refused([](const Path& staging, auto&) {
                std::ofstream(staging / "extra") << "x";
              }).message,
              HasSubstr("'extra' is no part of the snapshot"));
  EXPECT_THAT(refused([](const Path& staging, auto&) {
                fs::resize_file(staging / "disk1", 8192);
              }).message,
              HasSubstr("disks[1].bytes: differs"));
  EXPECT_THAT(refused([](const Path& staging, auto&) {
                fs::resize_file(staging / "memory-ranges", 8192);
              }).message,
              HasSubstr("memory-ranges is not as large as the RAM"));
  EXPECT_THAT(refused([](const Path& staging, auto&) {
                fs::permissions(staging / "kernel", fs::perms(0644));
              }).message,
              HasSubstr("kernel may be written to"));
  EXPECT_THAT(refused([this](const Path& staging, auto&) {
                fs::create_hard_link(staging / "disk0", dir_ / "kept");
              }).message,
              HasSubstr("disk0 is linked elsewhere"));
  EXPECT_THAT(refused([](const Path&, SnapshotRecord& record) {
                record.config.cpu = 7;
              }).message,
              HasSubstr("topology.cpu: differs"));
  EXPECT_EQ(refused([](const Path&, SnapshotRecord& record) {
              record.uid = "../snap";
            }).code,
            Code::kInvalid);
}

TEST_F(SnapshotFilesTest, ReplacesNothing) {
  const SnapshotRecord record = publish(a_valid_snapshot("snap-1"));
  const auto staging = paths_.staging("snap-1", 2);
  ASSERT_TRUE(stage(fs_, paths_, staging, record));
  EXPECT_EQ(store()->publish(staging, record).error().code, Code::kConflict);
  EXPECT_TRUE(store(Verify::kAlways)->verify(record).has_value());
}

TEST_F(SnapshotFilesTest, TamperingIsRefusedByName) {
  const SnapshotRecord record = publish(a_valid_snapshot("snap-1"));
  const fs::path dir = paths_.snapshot("snap-1");
  const fs::path kept = dir_ / "kept";
  fs::copy(dir, kept);
  const auto restore = [&] {
    fs::remove_all(dir);
    fs::copy(kept, dir);
    ASSERT_TRUE(store(Verify::kAlways)->verify(record).has_value());
  };
  for (const std::string& name : snapshot_file_names(record)) {
    flip_byte(dir / name);
    EXPECT_THAT(verify_error(record).message,
                HasSubstr(name + " is not what was published"));
    EXPECT_EQ(verify_error(record).code, Code::kCorrupt);
    restore();
    fs::remove(dir / name);
    EXPECT_THAT(verify_error(record).message, HasSubstr(name + " is missing"));
    ASSERT_EQ(::mkfifo((dir / name).c_str(), 0600), 0);
    EXPECT_THAT(verify_error(record).message,
                HasSubstr(name + " is not a regular file"));
    fs::remove(dir / name);
    fs::create_symlink(kept / name, dir / name);
    EXPECT_THAT(verify_error(record).message,
                HasSubstr(name + " is not a regular file"));
    restore();
    cut(dir / name, 7);
    EXPECT_THAT(verify_error(record).message,
                HasSubstr(name + " has 7 bytes instead of "));
    restore();
    // Who has a second name of what we load could write to it. Generations
    // link what nobody writes to.
    fs::create_hard_link(dir / name, dir_ / "second");
    const bool ours = name == "memory-ranges" || name == "kernel" ||
                      name == "initrd" || name == "mem";
    const auto linked = store(Verify::kAlways)->verify(record);
    ASSERT_EQ(linked.has_value(), ours) << name;
    if (!ours) {
      EXPECT_THAT(linked.error().message,
                  HasSubstr(name + " is linked elsewhere"));
    }
    fs::remove(dir_ / "second");
  }
  std::ofstream(dir / "extra") << "x";
  EXPECT_THAT(verify_error(record).message, HasSubstr("'extra' is no part"));
  restore();
  flip_byte(dir / kManifestFile);
  EXPECT_THAT(verify_error(record).message,
              HasSubstr("manifest.json has sha256:"));
  fs::remove(dir / kManifestFile);
  EXPECT_THAT(verify_error(record).message,
              HasSubstr("manifest.json is missing"));
  EXPECT_EQ(verify_error(record).code, Code::kCorrupt);
  fs::create_symlink(kept / kManifestFile, dir / kManifestFile);
  EXPECT_EQ(verify_error(record).code, Code::kCorrupt);
  restore();
  SnapshotRecord drifted = record;
  drifted.config.network = "another";
  EXPECT_THAT(verify_error(drifted).message,
              HasSubstr("differs from the node's record"));
  fs::remove_all(dir);
  EXPECT_EQ(verify_error(record).code, Code::kNotFound);
}

// The proof that nothing is hashed: a changed byte goes unseen.
TEST_F(SnapshotFilesTest, OnceMeansUntilTheFilesOrTheBootChange) {
  const SnapshotRecord record = publish(a_valid_snapshot("snap-1"));
  const fs::path ram = paths_.snapshot("snap-1") / "memory-ranges";
  flip_byte(ram);
  const auto unseen = store()->verify(record);
  ASSERT_TRUE(unseen.has_value()) << unseen.error().message;
  EXPECT_FALSE(unseen->has_value());
  EXPECT_FALSE(store(Verify::kAlways)->verify(record).has_value());
  EXPECT_FALSE(store(Verify::kOnce, "boot-2")->verify(record).has_value());
  flip_byte(ram);

  // Seen on another boot: remembered, by the row and without it.
  const auto agent = store(Verify::kOnce, "boot-2");
  const auto row = agent->verify(record);
  ASSERT_TRUE(row.has_value() && row->has_value());
  EXPECT_FALSE(agent->verify(record)->has_value());
  EXPECT_TRUE(store(Verify::kOnce, "boot-2")->verify(record)->has_value());
  ASSERT_TRUE(db_->commit({**row}));
  EXPECT_FALSE(store(Verify::kOnce, "boot-2")->verify(record)->has_value());

  // A hard link, as a clone makes one, changes nothing of what counts.
  fs::create_hard_link(ram, dir_ / "link");
  EXPECT_FALSE(store(Verify::kOnce, "boot-2")->verify(record)->has_value());
  // Another mtime or inode: hashed again, and found to be the same.
  ASSERT_EQ(::utimensat(AT_FDCWD, ram.c_str(), nullptr, 0), 0);
  EXPECT_TRUE(store(Verify::kOnce, "boot-2")->verify(record)->has_value());
  fs::copy(ram, dir_ / "other");
  fs::rename(dir_ / "other", ram);
  EXPECT_TRUE(agent->verify(record)->has_value());
}

TEST_F(SnapshotFilesTest, ManyClonesHashItOnce) {
  const SnapshotRecord record = publish(a_valid_snapshot("snap-1"));
  const auto agent = store(Verify::kOnce, "boot-2");
  std::atomic<int> hashed = 0, failed = 0;
  {
    std::vector<std::jthread> clones;
    for (int i = 0; i < 8; ++i)
      clones.emplace_back([&] {
        const auto row = agent->verify(record);
        if (!row) ++failed;
        if (row && row->has_value()) ++hashed;
      });
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(hashed, 1);
}

TEST_F(SnapshotFilesTest, RemoveTakesAllOfItAndNothingElse) {
  publish(a_valid_snapshot("snap-1"));
  const SnapshotRecord other = publish(a_valid_snapshot("snap-1-2"));
  const fs::path link = dir_ / "in-a-generation";
  fs::create_hard_link(paths_.snapshot("snap-1") / "memory-ranges", link);
  for (const auto& [uid, n] : {std::pair("snap-1", 2), {"snap-1-2", 3}})
    ASSERT_TRUE(
        stage(fs_, paths_, paths_.staging(uid, n), a_valid_snapshot(uid)));
  for (int twice = 0; twice < 2; ++twice)
    ASSERT_TRUE(store()->remove("snap-1").has_value());
  EXPECT_FALSE(fs::exists(paths_.snapshot("snap-1")));
  EXPECT_FALSE(fs::exists(paths_.staging("snap-1", 2)));
  EXPECT_TRUE(fs::exists(paths_.staging("snap-1-2", 3)));
  EXPECT_EQ(fs::file_size(link), 16U << 20);
  EXPECT_TRUE(store(Verify::kAlways)->verify(other).has_value());
  EXPECT_EQ(store()->remove("..").error().code, Code::kInvalid);
  EXPECT_EQ(store()->verify(a_valid_snapshot("a/b")).error().code,
            Code::kInvalid);
}

TEST_F(SnapshotFilesTest, FilesAreTheGroupsWhereThereIsOne) {
  if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED LOUDLY: needs root";
  const auto staging = paths_.staging("snap-1", 1);
  ASSERT_TRUE(stage(fs_, paths_, staging, a_valid_snapshot("snap-1")));
  SnapshotFiles files(paths_, fs_, *db_, {Verify::kOnce, "boot-1", 4711});
  ASSERT_TRUE(files.publish(staging, a_valid_snapshot("snap-1")));
  const fs::path dir = paths_.snapshot("snap-1");
  EXPECT_EQ(fs_.stat(dir)->gid, 4711U);
  EXPECT_EQ(fs_.stat(dir)->mode, 0750U);
  for (const char* name : {"memory-ranges", "disk0", "manifest.json"}) {
    EXPECT_EQ(fs_.stat(dir / name)->gid, 4711U) << name;
    EXPECT_EQ(fs_.stat(dir / name)->mode, 0440U) << name;
  }
  EXPECT_EQ(fs_.stat(dir / "kernel")->gid, 0U);
  EXPECT_EQ(fs_.stat(dir / "kernel")->mode, 0444U);
}

}  // namespace
}  // namespace chrysalis::store
