#include "src/store/node_db.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <sstream>
#include <thread>

#include "src/store/state_lock.h"
#include "src/store/wal.h"
#include "tests/src/store/a_record.h"
#include "tests/src/store/node_db_fixture.h"

namespace chrysalis::store {
namespace {

using ::testing::HasSubstr;

const HoldRow kHold{"snap-1", "vm-2", a_time(9)};
const IdentityRow kIdentity{"VirtualMachine",
                            "team-a",
                            "web",
                            "vm-1",
                            3,
                            "sha256:ff",
                            a_time(1),
                            a_time(2),
                            "web.yaml",
                            R"({"powerState":"Stopped"})"};
const VerifiedRow kVerified{
    "snap-1", "boot-1", "sha256:ee", {{"disk0", 1, 2, 3, 4}}};

TEST_F(NodeDbTest, EveryMemberOfEveryRowComesBack) {
  const auto operation = an_operation("vm-1", 1, OperationState::kRunning);
  {
    const auto db = open();
    const auto done =
        db->commit({a_vm("vm-1"), a_snapshot("snap-1"), operation,
                    a_process("vm-1", 4), kHold, kIdentity, kVerified});
    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(*db->vm("vm-1"), a_vm("vm-1"));
  }
  const auto db = open();
  ASSERT_NE(db->vm("vm-1"), nullptr);
  EXPECT_EQ(*db->vm("vm-1"), a_vm("vm-1"));
  EXPECT_EQ(*db->snapshot("snap-1"), a_snapshot("snap-1"));
  EXPECT_EQ(*db->operations("vm-1").at(0), operation);
  EXPECT_EQ(*db->processes("vm-1").at(0), a_process("vm-1", 4));
  EXPECT_EQ(*db->holds("snap-1").at(0), kHold);
  EXPECT_EQ(*db->identity("VirtualMachine", "team-a", "web"), kIdentity);
  EXPECT_EQ(*db->verified("snap-1"), kVerified);
  EXPECT_EQ(db->vm("vm-2"), nullptr);
}

TEST_F(NodeDbTest, ErasingTakesWhatBelongsToIt) {
  const auto db = open();
  ASSERT_TRUE(db->commit({a_vm("vm-1"), a_vm("vm-2"), a_process("vm-1", 1),
                          a_process("vm-1", 2), a_process("vm-2", 1),
                          an_operation("vm-1", 1, OperationState::kSucceeded),
                          a_snapshot("snap-1"), kHold, kIdentity, kVerified})
                  .has_value());
  ASSERT_TRUE(db->commit({EraseProcess{"vm-1", 1}}).has_value());
  EXPECT_EQ(db->processes("vm-1").size(), 1u);
  ASSERT_TRUE(db->commit({EraseVm{"vm-1"}, EraseSnapshot{"snap-1"},
                          EraseIdentity{"VirtualMachine", "team-a", "web"}})
                  .has_value());
  for (const auto& seen : {db.get(), open({.read_only = true}).release()}) {
    EXPECT_EQ(seen->vms().size(), 1u);
    EXPECT_EQ(seen->processes().size(), 1u);
    EXPECT_TRUE(seen->operations("vm-1").empty());
    EXPECT_TRUE(seen->snapshots().empty());
    EXPECT_TRUE(seen->holds("snap-1").empty());
    EXPECT_TRUE(seen->identities().empty());
    EXPECT_EQ(seen->verified("snap-1"), nullptr);
    if (seen != db.get()) delete seen;
  }
}

TEST_F(NodeDbTest, KeepsTheLastFinishedOperationsOfALane) {
  const auto db = open();
  ASSERT_TRUE(db->commit({an_operation("vm-2", 1, OperationState::kFailed)}));
  for (uint64_t n = 1; n <= 25; ++n)
    ASSERT_TRUE(
        db->commit({an_operation("vm-1", n, OperationState::kSucceeded)}));
  ASSERT_TRUE(db->commit({an_operation("vm-1", 26, OperationState::kRunning)}));
  const auto check = [](const NodeDb& seen) {
    const auto kept = seen.operations("vm-1");
    ASSERT_EQ(kept.size(), 20u);
    EXPECT_EQ(kept.front()->seq, 7u);
    EXPECT_EQ(kept.back()->seq, 26u);
    EXPECT_EQ(seen.operations("vm-2").size(), 1u);
    ASSERT_EQ(seen.running_operations().size(), 1u);
  };
  check(*db);
  check(*open({.read_only = true}));
}

TEST_F(NodeDbTest, RefusesAUidThatMayNotStandInAPath) {
  const auto db = open();
  for (const char* uid : {"", "..", "a/b", "a.b"}) {
    const auto done = db->commit({a_vm("vm-1"), a_vm(uid)});
    ASSERT_FALSE(done.has_value()) << uid;
    EXPECT_EQ(done.error().code, Code::kInvalid);
  }
  EXPECT_TRUE(db->vms().empty());
  EXPECT_EQ(db->commits(), 0u);
}

TEST_F(NodeDbTest, LanesThatWaitTogetherShareACommit) {
  constexpr int kLanes = 8;
  std::latch first_is_in_commit(1), go_on(1);
  std::atomic<int> seen = 0;
  const auto db = open({.commit_hook = [&](uint64_t n) {
    ++seen;
    if (n == 1) {
      first_is_in_commit.count_down();
      go_on.wait();
    }
    return true;
  }});
  std::vector<std::thread> lanes;
  lanes.emplace_back([&] { EXPECT_TRUE(db->commit({a_vm("first")})); });
  first_is_in_commit.wait();
  // The writer is busy: all these queue up. They are in the queue when each
  // has started; a late one makes a third commit, never a wrong one.
  std::latch started(kLanes);
  for (int i = 0; i < kLanes; ++i)
    lanes.emplace_back([&, i] {
      started.count_down();
      EXPECT_TRUE(db->commit({a_vm("vm-" + std::to_string(i))}));
    });
  started.wait();
  EXPECT_EQ(db->vm("first"), nullptr) << "visible before it is durable";
  go_on.count_down();
  for (auto& lane : lanes) lane.join();
  EXPECT_EQ(db->vms().size(), kLanes + 1u);
  EXPECT_EQ(db->commits(), static_cast<uint64_t>(seen));
  EXPECT_LT(db->commits(), kLanes + 1u);
}

TEST_F(NodeDbTest, AFailedCommitFailsItsLanesAndChangesNothing) {
  const auto db = open({.commit_hook = [](uint64_t n) { return n != 2; }});
  ASSERT_TRUE(db->commit({a_vm("vm-1")}));
  auto changed = a_vm("vm-1");
  changed.generation = 9;
  const auto failed = db->commit({changed, a_vm("vm-2")});
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, Code::kUnavailable);
  EXPECT_EQ(db->vm("vm-1")->generation, 4u);
  EXPECT_EQ(db->vm("vm-2"), nullptr);
  EXPECT_EQ(db->commits(), 1u);
  EXPECT_TRUE(db->commit({a_vm("vm-3")}));  // and the next one counts
  EXPECT_EQ(open({.read_only = true})->vms().size(), 2u);
}

TEST_F(NodeDbTest, ManyThreadsAndReadersAgree) {
  const auto db = open();
  std::vector<std::thread> lanes;
  for (int lane = 0; lane < 6; ++lane)
    lanes.emplace_back([&, lane] {
      const std::string uid = "vm-" + std::to_string(lane);
      for (uint32_t n = 1; n <= 40; ++n) {
        auto record = a_vm(uid);
        record.generation = n;
        ASSERT_TRUE(db->commit(
            {record, an_operation(uid, n, OperationState::kSucceeded)}));
        ASSERT_EQ(db->vm(uid)->generation, n);
        ASSERT_EQ(db->operations(uid).back()->seq, n);
      }
    });
  for (auto& lane : lanes) lane.join();
  EXPECT_LE(db->commits(), 240u);
  EXPECT_EQ(open({.read_only = true})->vms().size(), 6u);
}

TEST_F(NodeDbTest, TheLogIsFilledAtTheStartAndDoesNotGrow) {
  const auto db = open();
  const auto wal = path_.string() + "-wal";
  EXPECT_EQ(std::filesystem::file_size(wal), kWalBytes);
  auto record = a_vm("vm-1");
  record.cmdline = std::string(8000, 'x');
  for (uint32_t n = 1; n <= 1500; ++n) {
    record.generation = n;
    ASSERT_TRUE(db->commit({record}));
  }
  EXPECT_LE(std::filesystem::file_size(wal), kWalBytes);
  EXPECT_EQ(open({.read_only = true})->vm("vm-1")->generation, 1500u);
}

TEST_F(NodeDbTest, FilesAreForTheirOwnerOnly) {
  const auto db = open();
  ASSERT_TRUE(db->commit({a_vm("vm-1")}));
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat s{};
    ASSERT_EQ(::stat((path_.string() + suffix).c_str(), &s), 0) << suffix;
    EXPECT_EQ(s.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(NodeDbTest, AChangedByteStopsTheStartAndSaysWhatToDo) {
  ASSERT_TRUE(open()->commit({a_vm("vm-1"), kHold}));
  sql("UPDATE vm SET body = replace(body, 'boot-1', 'boot-2')");
  const Error error = open_error();
  EXPECT_EQ(error.code, Code::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("row vm/vm-1 fails its checksum"));
  EXPECT_THAT(error.message, HasSubstr(".recover` reads"));
  EXPECT_THAT(error.message, HasSubstr("No VM was touched"));
}

TEST_F(NodeDbTest, ARowUnderAnotherKeyIsFound) {
  ASSERT_TRUE(open()->commit({kHold}));
  sql("UPDATE hold SET holder = 'vm-9'");
  EXPECT_THAT(open_error().message, HasSubstr("row hold/snap-1/vm-9"));
}

TEST_F(NodeDbTest, ADamagedFileStopsTheStart) {
  ASSERT_TRUE(open()->commit({a_vm("vm-1")}));
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 + 8);  // inside a b-tree page's header
  file << std::string(64, '\xff');
  file.close();
  EXPECT_EQ(open_error().code, Code::kCorrupt);
  std::ofstream(path_, std::ios::trunc) << std::string(8192, 'x');
  EXPECT_EQ(open_error().code, Code::kCorrupt);
}

TEST_F(NodeDbTest, ADatabaseOfAnotherProgramIsNotOurs) {
  sql("CREATE TABLE t (x)");
  EXPECT_THAT(open_error().message, HasSubstr("of another program"));
}

TEST_F(NodeDbTest, ANewerVersionIsReadOnlyWhereItAllowsThat) {
  ASSERT_TRUE(open()->commit({a_vm("vm-1")}));
  sql("PRAGMA user_version = 99; CREATE TABLE later (x)");
  EXPECT_EQ(open()->vms().size(), 1u);  // it only added
  sql("UPDATE meta SET value = '99' WHERE key = 'min_reader'");
  const Error error = open_error();
  EXPECT_EQ(error.code, Code::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("install that version again"));
}

TEST_F(NodeDbTest, ReadsTheFirstVersionAndMigratesIt) {
  std::ifstream golden(std::string(CHRYSALIS_SOURCE_DIR) +
                       "/tests/golden/node_db_v1.sql");
  std::stringstream text;
  text << golden.rdbuf();
  ASSERT_FALSE(text.str().empty());
  sql(text.str());
  const auto db = open();
  ASSERT_NE(db, nullptr);
  EXPECT_EQ(*db->vm("vm-1"), a_vm("vm-1"));
  EXPECT_EQ(*db->snapshot("snap-1"), a_snapshot("snap-1"));
  EXPECT_EQ(*db->operations("vm-1").at(0),
            an_operation("vm-1", 1, OperationState::kRunning));
  auto before = kIdentity;  // it did not remember these yet
  before.manifest = before.spec = "";
  EXPECT_EQ(*db->identity("VirtualMachine", "team-a", "web"), before);
  EXPECT_TRUE(db->commit({kVerified}));  // the table that 2 added
}

TEST_F(NodeDbTest, ReadOnlyTakesNoCommit) {
  ASSERT_TRUE(open()->commit({a_vm("vm-1")}));
  const auto db = open({.read_only = true});
  EXPECT_EQ(db->commit({a_vm("vm-2")}).error().code, Code::kInvalid);
  EXPECT_FALSE(NodeDb::open(dir_ / "none.db", {.read_only = true}).has_value());
}

TEST_F(NodeDbTest, ACopyIsADatabaseOfItsOwn) {
  const auto db = open();
  ASSERT_TRUE(db->commit({a_vm("vm-1")}));
  ASSERT_TRUE(db->copy_to(dir_ / "copy.db").has_value());
  ASSERT_TRUE(db->commit({a_vm("vm-2")}));
  const auto copy = NodeDb::open(dir_ / "copy.db");
  ASSERT_TRUE(copy.has_value()) << copy.error().message;
  EXPECT_EQ((*copy)->vms().size(), 1u);
}

TEST_F(NodeDbTest, ASecondAgentIsRefusedByPid) {
  auto first = StateLock::take(dir_ / "lock");
  ASSERT_TRUE(first.has_value());
  const auto second = StateLock::take(dir_ / "lock");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kConflict);
  EXPECT_THAT(second.error().message,
              HasSubstr("pid " + std::to_string(::getpid())));
  {
    const StateLock gone = std::move(*first);
  }
  EXPECT_TRUE(StateLock::take(dir_ / "lock").has_value());
  EXPECT_EQ(StateLock::take(dir_ / "none/lock").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace chrysalis::store
