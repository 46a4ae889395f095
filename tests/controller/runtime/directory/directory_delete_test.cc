// `chrysalis delete`, from the socket to the last row; and the thread that
// hears of changes.

#include <gmock/gmock.h>

#include <condition_variable>
#include <future>
#include <latch>
#include <mutex>

#include "controller/runtime/directory/control_client.h"
#include "controller/runtime/directory/control_server.h"
#include "tests/controller/runtime/directory/directory_fixture.h"

namespace chrysalis::runtime::directory {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DirectoryDeleteTest : public DirectoryTest {
 protected:
  DirectoryDeleteTest() {
    write("web.yaml", vm_yaml("web"));
    open();
    give_data(vm("web")->meta.uid);
  }
  // What the executor does at the end of a deletion.
  void finalize() {
    const auto object = vm("web");
    ASSERT_TRUE(object && object->meta.deleted_at);
    ASSERT_TRUE(db_->commit({store::EraseVm{object->meta.uid}}));
    ASSERT_TRUE(
        objects_->store().vms.set_finalizer(*object, kFinalizer, false));
  }
};

TEST_F(DirectoryDeleteTest, AManifestThatStillAsksIsAConflict) {
  const auto asked = objects_->ask_delete(vm_id("web"));
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Code::kConflict);
  EXPECT_THAT(asked.error().message, HasSubstr("web.yaml asks for it"));
  write("web.yaml", "{ broken");
  EXPECT_EQ(objects_->ask_delete(vm_id("web")).error().code, Code::kConflict);
  std::filesystem::rename(dir_, root_ / "away");
  EXPECT_EQ(objects_->ask_delete(vm_id("web")).error().code,
            Code::kUnavailable);
  EXPECT_FALSE(vm("web")->meta.deleted_at);
}

TEST_F(DirectoryDeleteTest, IsShownUntilItsFinalizerGoes) {
  const auto uid = vm("web")->meta.uid;
  ASSERT_TRUE(objects_->store().vms.write_status(*vm("web"), some_status()));
  remove("web.yaml");
  clock_.advance(seconds{5});
  EXPECT_EQ(objects_->ask_delete(vm_id("web")).value(), uid);
  ASSERT_TRUE(vm("web"));
  EXPECT_EQ(vm("web")->meta.deleted_at, clock_.wall());
  EXPECT_THAT(text_of(kWebStatus), HasSubstr("deletionTimestamp"));
  EXPECT_EQ(objects_->ask_delete(vm_id("web")).value(), uid);  // again

  restart();  // goes on after a kill
  ASSERT_TRUE(vm("web"));
  EXPECT_TRUE(vm("web")->meta.deleted_at);
  finalize();
  EXPECT_FALSE(vm("web"));
  EXPECT_FALSE(exists(kWebStatus));
  EXPECT_THAT(db_->identities(), IsEmpty());
  EXPECT_EQ(objects_->ask_delete(vm_id("web")).error().code, Code::kNotFound);
}

TEST_F(DirectoryDeleteTest, AManifestThatComesBackMeanwhileIsANewObject) {
  const auto uid = vm("web")->meta.uid;
  remove("web.yaml");
  ASSERT_TRUE(objects_->ask_delete(vm_id("web")));
  write("web.yaml", vm_yaml("web"));
  scan();
  EXPECT_TRUE(vm("web")->meta.deleted_at);
  EXPECT_THAT(said(), HasSubstr("it is being deleted"));
  finalize();
  scan();
  ASSERT_TRUE(vm("web"));
  EXPECT_NE(vm("web")->meta.uid, uid);
  EXPECT_FALSE(vm("web")->meta.deleted_at);
  EXPECT_EQ(said(), "");
}

TEST_F(DirectoryDeleteTest, NamingEachEndsAMassLoss) {
  write("db.yaml", vm_yaml("db"));
  scan();
  remove("web.yaml");
  remove("db.yaml");
  scan();
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kRunning);
  ASSERT_TRUE(objects_->ask_delete(vm_id("web")));
  EXPECT_TRUE(vm("web")->meta.deleted_at);
  scan();
  EXPECT_FALSE(vm("db"));  // one of one: it may go
  EXPECT_EQ(said(), "");
}

TEST_F(DirectoryDeleteTest, ReachesWhatNoManifestEverNamed) {
  store::VmRecord record;
  record.uid = "orphan-1";
  record.ns = "default";
  record.name = "old";
  ASSERT_TRUE(db_->commit({record}));
  EXPECT_EQ(objects_->ask_delete(vm_id("old")).value(), "orphan-1");
  ASSERT_TRUE(vm("old"));
  EXPECT_TRUE(vm("old")->meta.deleted_at);
  EXPECT_EQ(vm("old")->meta.uid, "orphan-1");
  EXPECT_EQ(objects_->ask_delete(vm_id("none")).error().code, Code::kNotFound);

  give_snapshot("orphan-2", true);
  EXPECT_EQ(objects_->ask_delete(snapshot_id("base")).value(), "orphan-2");
  ASSERT_TRUE(snapshot("base"));
  EXPECT_EQ(snapshot("base")->spec.deletion_policy,
            api::DeletionPolicy::kDelete);
}

TEST_F(DirectoryDeleteTest, ASnapshotKeepsItsPolicy) {
  write("base.yaml", snapshot_yaml("base", "  deletionPolicy: Retain\n"));
  scan();
  give_snapshot(snapshot("base")->meta.uid, true);
  remove("base.yaml");
  ASSERT_TRUE(objects_->ask_delete(snapshot_id("base")));
  restart();
  ASSERT_TRUE(snapshot("base"));
  EXPECT_TRUE(snapshot("base")->meta.deleted_at);
  EXPECT_EQ(snapshot("base")->spec.deletion_policy,
            api::DeletionPolicy::kRetain);
}

TEST_F(DirectoryDeleteTest, WaitingEndsByADeadline) {
  remove("web.yaml");
  const auto uid = objects_->ask_delete(vm_id("web")).value();
  const auto waited =
      objects_->wait_gone(vm_id("web"), uid, SystemClock{}.mono(), {});
  EXPECT_EQ(waited.error().code, Code::kTimeout);
  EXPECT_TRUE(objects_->wait_gone(vm_id("web"), "another uid",
                                  SystemClock{}.mono(), {}));
}

TEST_F(DirectoryDeleteTest, RoundTripOverTheControlSocket) {
  const SystemClock clock;
  const auto socket = root_ / "control.sock";
  auto server = ControlServer::start(socket, deleting_from(*objects_, clock),
                                     {.allowed_uid = ::geteuid()});
  ASSERT_TRUE(server) << server.error().message;
  const DeleteRequest request{vm_id("web"), milliseconds{60'000}};
  EXPECT_EQ(ask_standalone(socket, request, clock).error().code,
            Code::kConflict);
  remove("web.yaml");
  std::latch deleting(1);
  objects_->store().vms.add_handler([&](const Delivery& d) {
    const auto object = objects_->store().vms.get(d.key);
    if (object && object->meta.deleted_at) deleting.count_down();
  });
  auto asked = std::async(std::launch::async, [&] {
    return ask_standalone(socket, request, clock);
  });
  deleting.wait();
  finalize();
  EXPECT_EQ(asked.get().value(), "VirtualMachine default/web is gone");
  EXPECT_EQ(ask_standalone(socket, request, clock).error().code,
            Code::kNotFound);
}

TEST_F(DirectoryDeleteTest, TheThreadHearsOfManifests) {
  std::mutex mutex;
  std::condition_variable changed;
  bool added = false, removed = false;
  objects_->store().vms.add_handler([&](const Delivery& d) {
    const std::lock_guard lock(mutex);
    added = added || (d.key.name == "b" && d.change == Change::kAdded);
    removed = removed || (d.key.name == "b" && d.change == Change::kDeleted);
    changed.notify_all();
  });
  ASSERT_TRUE(objects_->start());
  const auto comes = [&](const bool& what) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds{60}, [&] { return what; });
  };
  write("b.yaml", vm_yaml("b"));
  EXPECT_TRUE(comes(added));
  remove("b.yaml");
  EXPECT_TRUE(comes(removed));
  objects_->stop();
}

}  // namespace
}  // namespace chrysalis::runtime::directory
