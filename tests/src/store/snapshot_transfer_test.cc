// Retain and import: out of our hands and back, hostile or not.

#include <fcntl.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/src/store/snapshot_fixture.h"

namespace chrysalis::store {
namespace {

using ::testing::HasSubstr;
using Verify = SnapshotFiles::Verify;
namespace fs = std::filesystem;

class TransferTest : public SnapshotTest {
 protected:
  // A snapshot as its owner would lay it down: IMPORT_ROOT/team-a/golden.
  TransferTest() {
    record_ = publish(a_valid_snapshot("snap-1"));
    fs::create_directories(source().parent_path());
    fs::copy(paths_.snapshot("snap-1"), source());
  }
  [[nodiscard]] fs::path source() const {
    return paths_.import("team-a", "golden");
  }
  [[nodiscard]] static SnapshotFiles::Import import(std::string uid) {
    return {std::move(uid), "team-a", "again", "golden", 1};
  }
  Error refused(SnapshotFiles::Import what = import("snap-2"),
                const SnapshotFiles::Check& check = nullptr) {
    const auto taken = store()->take_in(what, check);
    EXPECT_FALSE(taken.has_value());
    EXPECT_FALSE(fs::exists(paths_.snapshot("snap-2")));
    EXPECT_TRUE(fs::is_empty(paths_.staging_dir()));
    return taken ? Error{} : taken.error();
  }
  // The source as it was.
  void mend() {
    fs::remove_all(source());
    fs::copy(paths_.snapshot("snap-1"), source());
  }

  SnapshotRecord record_;
};

TEST_F(TransferTest, AnImportIsTheSameButForeign) {
  fs::path checked;
  const auto taken = store()->take_in(
      import("snap-2"),
      [&](const fs::path& staging, const Manifest& manifest) -> Result<void> {
        EXPECT_EQ(manifest.config, record_.config);
        EXPECT_TRUE(fs::exists(staging / "memory-ranges"));
        EXPECT_FALSE(fs::exists(staging / "disk0")) << "not before it agreed";
        checked = staging;
        return {};
      });
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_EQ(checked, paths_.staging("snap-2", 1));
  SnapshotRecord expected = record_;
  expected.uid = "snap-2";
  expected.name = "again";
  expected.source_uid = "";
  expected.ready = false;
  EXPECT_EQ(taken->record, expected);
  EXPECT_TRUE(store(Verify::kAlways)->verify(taken->record).has_value());

  // A copy: what its owner does now is of no consequence.
  flip_byte(source() / "disk0");
  fs::remove(source() / "memory-ranges");
  EXPECT_TRUE(store(Verify::kAlways)->verify(taken->record).has_value());
  EXPECT_EQ(fs_.stat(paths_.snapshot("snap-2") / "kernel")->mode, 0440U);
}

TEST_F(TransferTest, TheSourceIsNeverChanged) {
  std::vector<std::pair<std::string, FileStat>> before;
  for (const auto& entry : fs::directory_iterator(source()))
    before.emplace_back(entry.path(), fs_.stat(entry.path()).value());
  ASSERT_TRUE(store()->take_in(import("snap-2"), nullptr).has_value());
  for (const auto& [path, stat] : before) {
    const FileStat now = fs_.stat(path).value();
    EXPECT_EQ(now.mtime_ns, stat.mtime_ns) << path;
    EXPECT_EQ(now.allocated, stat.allocated) << path;
    EXPECT_EQ(now.mode, stat.mode) << path;
  }
}

TEST_F(TransferTest, RetainedComesBackWithItsDigest) {
  const fs::path kept = paths_.retained("team-a", "gold", "snap-1");
  ASSERT_TRUE(store()->retain(record_).has_value());
  EXPECT_FALSE(fs::exists(paths_.snapshot("snap-1")));
  EXPECT_TRUE(fs::exists(kept / kManifestFile));
  EXPECT_TRUE(store()->retain(record_).has_value()) << "again, after a crash";
  const auto taken = store()->take_in(
      {"snap-3", "team-a", "gold", kept.filename().string(), 4}, nullptr);
  ASSERT_TRUE(taken.has_value()) << taken.error().message;
  EXPECT_EQ(taken->record.manifest_digest, record_.manifest_digest);
}

TEST_F(TransferTest, RetainOverwritesNothing) {
  const fs::path kept = paths_.retained("team-a", "gold", "snap-1");
  fs::create_directory(kept);
  std::ofstream(kept / kManifestFile) << "somebody else's";
  EXPECT_EQ(store()->retain(record_).error().code, Code::kConflict);
  EXPECT_TRUE(store(Verify::kAlways)->verify(record_).has_value());
  fs::remove_all(kept);
  // A copy that was complete before the crash, and the original still there.
  fs::copy(paths_.snapshot("snap-1"), kept);
  EXPECT_TRUE(store()->retain(record_).has_value());
  EXPECT_FALSE(fs::exists(paths_.snapshot("snap-1")));
}

TEST_F(TransferTest, RetainsOntoAnotherFileSystem) {
  const fs::path other = make_dir("/dev/shm");
  if (fs_.stat(other)->device == fs_.stat(dir_)->device) {
    fs::remove_all(other);
    GTEST_SKIP() << "SKIPPED LOUDLY: no second file system here";
  }
  const StatePaths far = StatePaths::open(dir_, other / "imports").value();
  SnapshotFiles files(far, fs_, *db_, {Verify::kAlways, "boot-1", {}});
  const auto kept = files.retain(record_);
  EXPECT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_FALSE(fs::exists(paths_.snapshot("snap-1")));
  const auto name = far.retained("team-a", "gold", "snap-1").filename();
  const auto taken =
      files.take_in({"snap-2", "team-a", "gold", name.string(), 1}, nullptr);
  EXPECT_TRUE(taken.has_value()) << taken.error().message;
  fs::remove_all(other);
}

TEST_F(TransferTest, WhatIsThereIsNotWhatTheManifestSays) {
  for (const std::string& name : snapshot_file_names(record_)) {
    flip_byte(source() / name);
    EXPECT_THAT(refused().message,
                HasSubstr(source().string() + ": " + name +
                          " is not what manifest.json says"));
    mend();
    cut(source() / name, 9);
    EXPECT_THAT(refused().message, HasSubstr(name + " has 9 bytes"));
    fs::remove(source() / name);
    EXPECT_THAT(refused().message, HasSubstr(name + " is missing"));
    mend();
  }
  EXPECT_EQ(refused({"snap-2", "team-a", "x", "nowhere", 1}).code,
            Code::kNotFound);
}

TEST_F(TransferTest, NoLinkIsFollowedAndNoFifoWaitedFor) {
  const fs::path secret = paths_.snapshot("snap-1");
  for (const char* name : {"disk0", "manifest.json", "memory-ranges"}) {
    fs::remove(source() / name);
    fs::create_symlink(secret / name, source() / name);
    EXPECT_EQ(refused().code, Code::kCorrupt) << name;
    fs::remove(source() / name);
    ASSERT_EQ(::mkfifo((source() / name).c_str(), 0666), 0);
    EXPECT_EQ(refused().code, Code::kCorrupt) << name;
    fs::remove(source() / name);
    fs::create_directory(source() / name);
    EXPECT_EQ(refused().code, Code::kCorrupt) << name;
    mend();
    if (name == std::string("memory-ranges")) continue;  // generations link it
    fs::create_hard_link(source() / name, dir_ / "second");
    EXPECT_THAT(refused().message,
                HasSubstr(std::string(name) + " is linked elsewhere"));
    fs::remove(dir_ / "second");
  }
  // The directory itself, and the one above it.
  fs::create_directory_symlink(source(), paths_.import("team-a", "alias"));
  const Error alias = refused({"snap-2", "team-a", "x", "alias", 1});
  EXPECT_EQ(alias.code, Code::kInvalid);
  EXPECT_THAT(alias.message, HasSubstr("symbolic link"));
  fs::create_directory_symlink(source().parent_path(),
                               paths_.import_root() / "team-b");
  EXPECT_EQ(refused({"snap-2", "team-b", "x", "golden", 1}).code,
            Code::kInvalid);
  for (const char* bad : {"..", ".", "", "a/b", "/etc", ".hidden"})
    EXPECT_EQ(refused({"snap-2", "team-a", "x", bad, 1}).code, Code::kInvalid)
        << bad;
}

TEST_F(TransferTest, NothingElseMayLieThere) {
  std::ofstream(source() / "extra") << "x";
  EXPECT_THAT(refused().message, HasSubstr("'extra' is no part"));
  for (int i = 0; i < 200; ++i)
    std::ofstream(source() / std::to_string(i)) << "x";
  EXPECT_THAT(refused().message, HasSubstr("more files than"));
  mend();
  fs::remove(source() / kSnapshotRecordFile);  // ours; another writer has none
  EXPECT_TRUE(store()->take_in(import("snap-2"), nullptr).has_value());
}

TEST_F(TransferTest, AManifestThatIsNoneSaysWhy) {
  const auto with = [&](const std::string& bytes) {
    fs::remove(source() / kManifestFile);
    std::ofstream(source() / kManifestFile) << bytes;
    return refused();
  };
  EXPECT_THAT(with("{").message, HasSubstr("manifest.json: not valid JSON"));
  EXPECT_EQ(with(std::string(300'000, ' ')).code, Code::kCorrupt);
  EXPECT_EQ(with(R"({"format":"chrysalis-snapshot","version":2})").code,
            Code::kUnsupported);
  fs::remove(source() / kManifestFile);
  EXPECT_THAT(refused().message, HasSubstr("manifest.json is missing"));
}

TEST_F(TransferTest, TheCheckHasAVeto) {
  const Error error =
      refused(import("snap-2"), [](const auto&, const auto&) -> Result<void> {
        return fail(Code::kCorrupt, "state.json: another shape");
      });
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("golden: state.json: another shape"));
}

}  // namespace
}  // namespace chrysalis::store
