// Power loss after every operation on a snapshot's files, in every state the
// disk may then have, beside the database as its last COMMIT left it; and a
// process killed inside a COMMIT.

#include <sys/wait.h>

#include <csignal>
#include <functional>
#include <map>

#include "tests/fakes/careless_fs.h"
#include "tests/fakes/crashing_fs.h"
#include "tests/src/store/snapshot_fixture.h"

namespace chrysalis::store {
namespace {

using Verify = SnapshotFiles::Verify;
namespace fs = std::filesystem;

constexpr CrashingFs::Loss kNothing{CrashingFs::Bytes::kKept, UINT64_MAX};

SnapshotFiles::Options always() { return {Verify::kAlways, "boot-1", {}}; }

class SnapshotCrashTest : public SnapshotTest {
 protected:
  // On the simulated disk STATE is /s.
  SnapshotCrashTest() {
    // What the uncrashed run makes of it.
    const auto disk = staged(CrashingFs::kNever - 1000);
    SnapshotFiles files(disk_paths_, *disk, *db_, always());
    auto published = files.publish(staging(), record_);
    EXPECT_TRUE(published.has_value()) << published.error().message;
    record_ = published->record;
    // The database before and after the COMMIT that calls it ready.
    before_ = image("before.db", false);
    after_ = image("after.db", true);
  }

  // A staged snapshot, as a dump leaves it: its names are durable, its bytes
  // are not. Power is lost n operations later.
  std::unique_ptr<CrashingFs> staged(uint64_t n) {
    const auto fill = [&](CrashingFs& disk) {
      EXPECT_TRUE(disk.mkdir("/s", 0711).has_value());
      EXPECT_TRUE(stage(disk, disk_paths_, staging(), record_).has_value());
      for (const fs::path& directory :
           {fs::path("/"), disk_paths_.snapshots_dir(),
            disk_paths_.staging_dir(), staging()})
        EXPECT_TRUE(disk.sync_dir(directory).has_value());
    };
    if (filling_ == 0) {
      CrashingFs disk;
      fill(disk);
      filling_ = disk.operations();
    }
    auto disk = std::make_unique<CrashingFs>(filling_ + n);
    fill(*disk);
    return disk;
  }
  std::unique_ptr<NodeDb> image(const std::string& name, bool ready) {
    record_.ready = ready;
    EXPECT_TRUE(db_->commit({record_}).has_value());
    record_.ready = false;
    EXPECT_TRUE(db_->copy_to(dir_ / name).has_value());
    auto db = NodeDb::open(dir_ / name, {.read_only = true});
    EXPECT_TRUE(db.has_value()) << db.error().message;
    return std::move(*db);
  }
  [[nodiscard]] fs::path staging() const {
    return disk_paths_.staging("snap-1", 1);
  }

  using Run = std::function<Result<void>(FileSystem& fs)>;
  // The disk that `run` begins with, which loses power at operation n.
  using Begin = std::function<std::unique_ptr<CrashingFs>(uint64_t n)>;
  using Broken = std::function<bool(CrashingFs& after, bool run_answered_ok)>;

  // How many states of the disk, over all crash points, are broken.
  static int broken_states(const Begin& begin, const Run& run,
                           const Broken& broken) {
    int count = 0;
    for (uint64_t n = 0;; ++n) {
      const auto disk = begin(n);
      const bool ok = run(*disk).has_value();
      for (const auto& loss : disk->losses())
        if (broken(*disk->after_power_loss(loss), ok)) ++count;
      if (!disk->crashed()) {
        EXPECT_TRUE(ok);
        return count;
      }
    }
  }

  // Rows that say ready and files that are not; or a directory under the
  // snapshot's name that is not whole, whatever the rows say.
  bool is_broken(CrashingFs& disk, const NodeDb& db) {
    SnapshotFiles files(disk_paths_, disk, db, always());
    for (const auto& row : db.snapshots()) {
      const auto verified = files.verify(*row);
      if (verified) continue;
      if (row->ready || verified.error().code != Code::kNotFound) return true;
    }
    return false;
  }
  int publish_violations(CarelessFs::Skip skip) {
    return broken_states([&](uint64_t n) { return staged(n); },
                         [&](FileSystem& disk) -> Result<void> {
                           CarelessFs careless(disk, skip);
                           SnapshotFiles files(disk_paths_, careless, *before_,
                                               always());
                           CHRYSALIS_TRY(files.publish(staging(), record_));
                           return {};
                         },
                         [&](CrashingFs& after, bool published) {
                           // The COMMIT follows the answer; it may have come or
                           // not.
                           return is_broken(after, *before_) ||
                                  (published && is_broken(after, *after_));
                         });
  }

  uint64_t filling_ = 0;  // operations of staging
  StatePaths disk_paths_ = StatePaths::open("/s").value();
  SnapshotRecord record_ =
      a_valid_snapshot("snap-1", model::Hypervisor::kFirecracker);
  std::unique_ptr<NodeDb> before_, after_;
};

TEST_F(SnapshotCrashTest, AReadyRowNeverHasBadFiles) {
  EXPECT_EQ(publish_violations({}), 0);
}

TEST_F(SnapshotCrashTest, TheTestNoticesMissingSyncs) {
  EXPECT_GT(publish_violations({.files = true}), 0);
  EXPECT_GT(publish_violations({.directories = true}), 0);
}

// Interrupted anywhere, recovered twice: nothing is left, and the same dump
// can be published as if nothing had been.
TEST_F(SnapshotCrashTest, RecoveryLeavesNothingAndCanBeRepeated) {
  const int left = broken_states(
      [&](uint64_t n) { return staged(n); },
      [&](FileSystem& disk) -> Result<void> {
        SnapshotFiles files(disk_paths_, disk, *before_, always());
        CHRYSALIS_TRY(files.publish(staging(), record_));
        return {};
      },
      [&](CrashingFs& after, bool) {
        SnapshotFiles files(disk_paths_, after, *before_, always());
        for (int twice = 0; twice < 2; ++twice)
          if (!files.remove("snap-1")) return true;
        const auto next = after.after_power_loss({});
        return next->stat(disk_paths_.snapshot("snap-1")).has_value() ||
               next->stat(staging()).has_value();
      });
  EXPECT_EQ(left, 0);
}

// A published one; what `at` holds of it is all of it or nothing.
TEST_F(SnapshotCrashTest, RemoveAndRetainAreAllOrNothing) {
  const auto published = staged(CrashingFs::kNever - 1000);
  ASSERT_TRUE(SnapshotFiles(disk_paths_, *published, *before_, always())
                  .publish(staging(), record_)
                  .has_value());
  const Begin begin = [&](uint64_t n) {
    return published->after_power_loss(kNothing, n);
  };
  const fs::path here = disk_paths_.snapshot("snap-1");
  const fs::path kept = disk_paths_.retained("team-a", "gold", "snap-1");
  std::map<std::string, std::string> hashes;
  const auto hash_of = [](CrashingFs& disk, const fs::path& path) {
    auto file = disk.open(path, FileSystem::Mode::kRead, 0);
    return file ? tree_hash(**file, disk.stat(path)->size, path).value() : "";
  };
  const auto names = published->list(here).value();
  for (const std::string& name : names)
    hashes[name] = hash_of(*published, here / name);
  // 1: all of it, 0: nothing, -1: something between.
  const auto state = [&](CrashingFs& disk, const fs::path& at) {
    if (!disk.stat(at)) return 0;
    for (const auto& [name, hash] : hashes)
      if (hash_of(disk, at / name) != hash) return -1;
    return 1;
  };
  EXPECT_EQ(broken_states(
                begin,
                [&](FileSystem& disk) {
                  return SnapshotFiles(disk_paths_, disk, *before_, always())
                      .remove("snap-1");
                },
                [&](CrashingFs& after, bool removed) {
                  const int found = state(after, here);
                  return found < 0 || (removed && found != 0);
                }),
            0);
  EXPECT_EQ(broken_states(
                begin,
                [&](FileSystem& disk) {
                  return SnapshotFiles(disk_paths_, disk, *before_, always())
                      .retain(record_);
                },
                [&](CrashingFs& after, bool retained) {
                  const int old = state(after, here), now = state(after, kept);
                  return old < 0 || now < 0 || old + now != 1 ||
                         (retained && now != 1);
                }),
            0);
}

// A child that publishes and is killed inside the COMMIT that calls it ready.
TEST_F(SnapshotTest, KilledInsideTheCommit) {
  const SnapshotRecord record = a_valid_snapshot("snap-1");
  ASSERT_TRUE(db_->commit({record}).has_value());
  ASSERT_TRUE(
      stage(fs_, paths_, paths_.staging("snap-1", 1), record).has_value());
  db_.reset();
  const pid_t child = ::fork();
  if (child == 0) {
    auto db = NodeDb::open(paths_.node_db(), {.commit_hook = [](uint64_t n) {
                             if (n == 2) ::kill(::getpid(), SIGKILL);
                             return true;
                           }});
    if (!db) ::_exit(1);
    SnapshotFiles files(paths_, fs_, **db, always());
    auto published = files.publish(paths_.staging("snap-1", 1), record);
    if (!published) ::_exit(2);
    SnapshotRecord ready = published->record;
    if (!(*db)->commit({ready})) ::_exit(3);
    ready.ready = true;
    (void)(*db)->commit({ready});
    ::_exit(4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  for (int twice = 0; twice < 2; ++twice) {
    auto db = NodeDb::open(paths_.node_db());
    ASSERT_TRUE(db.has_value()) << db.error().message;
    const auto row = (*db)->snapshot("snap-1");
    ASSERT_NE(row, nullptr);
    EXPECT_FALSE(row->ready) << "it was not acknowledged";
    SnapshotFiles files(paths_, fs_, **db, always());
    EXPECT_TRUE(files.verify(*row).has_value()) << "whole, but not ready";
  }
}

// Killed at any moment of a run of commits, from outside: what was
// acknowledged is there, and the database opens.
TEST_F(SnapshotTest, KilledWhileItCommits) {
  db_.reset();
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      auto db = NodeDb::open(paths_.node_db());
      if (!db) ::_exit(1);
      SnapshotRecord record = a_snapshot("snap-1");
      for (uint64_t n = 1;; ++n) {
        record.pause_ms = n;
        if (!(*db)->commit({record})) ::_exit(2);
        if (::write(ends[1], &n, sizeof n) != sizeof n) ::_exit(3);
      }
    }
    ::close(ends[1]);
    uint64_t acknowledged = 0;
    for (int i = 0; i < 40 + 7 * round; ++i)
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged),
                ssize_t{sizeof acknowledged});
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    uint64_t last = 0;
    while (::read(ends[0], &last, sizeof last) == sizeof last)
      acknowledged = last;
    ::close(ends[0]);
    auto db = NodeDb::open(paths_.node_db());
    ASSERT_TRUE(db.has_value()) << db.error().message;
    EXPECT_GE((*db)->snapshot("snap-1")->pause_ms, acknowledged);
    EXPECT_LE((*db)->snapshot("snap-1")->pause_ms, acknowledged + 1);
  }
}

}  // namespace
}  // namespace chrysalis::store
