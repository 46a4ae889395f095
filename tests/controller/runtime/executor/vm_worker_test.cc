// One key at a time, without a thread: what the worker writes, asks, and when
// it wants to be called again.

#include "controller/runtime/executor/vm_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller/runtime/executor/node.h"

namespace chrysalis::runtime {
namespace {

using engine::Kind;
using engine::Live;
using testing::ElementsAre;
using testing::IsEmpty;

struct VmWorkerTest : testing::Test {
  Next work() { return worker.work(key); }
  // As the queue would: again while something moves.
  void settle() {
    for (int n = 0; n < 10; ++n) {
      const int before = node.vms.writes(key);
      work();
      if (node.vms.writes(key) == before) return;
    }
    ADD_FAILURE() << "it does not come to rest";
  }
  void boot() {
    node.vms.put(make_vm("vm"));
    settle();
    node.engine.succeed(uid);
    settle();
    ASSERT_EQ(said("Ready"), "True/Running");
  }
  std::string said(std::string_view type) {
    return condition(node.vms.stored(key).get(), type);
  }

  Node node;
  Known known;
  Waiters waiters;
  VmWorker worker{{node.store, node.engine, node.timer, known, waiters,
                   [] { return node_facts(); }}};
  const ObjectKey key{"ns", "vm"};
  const std::string uid = "vm-uid";
};

TEST_F(VmWorkerTest, IsReadyInThreeWritesAndIdleInNone) {
  boot();
  EXPECT_EQ(node.vms.writes(key), 3) << "finalizer, Starting, Running";
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot));
  for (int n = 0; n < 50; ++n) {
    node.timer.advance(seconds{60});
    const Next next = work();
    EXPECT_FALSE(next.failed);
    EXPECT_FALSE(next.after);
  }
  EXPECT_EQ(node.vms.writes(key), 3);
  EXPECT_EQ(node.vms.refused_writes(), 0);
  EXPECT_EQ(node.vms.reads(), 0);
  ASSERT_EQ(node.events.told().size(), 2U);
  EXPECT_EQ(node.events.told()[1].reason, "Running");
  EXPECT_EQ(node.events.told()[1].uid, uid);
}

TEST_F(VmWorkerTest, ActsOnNothingOlderThanItsOwnWrite) {
  node.vms.put(make_vm("vm"));
  node.vms.lag(true);
  work();  // the finalizer
  EXPECT_EQ(node.vms.writes(key), 1);
  const Next held = work();
  EXPECT_TRUE(held.after);
  EXPECT_EQ(node.vms.writes(key), 1);
  EXPECT_THAT(node.engine.asked(uid), IsEmpty());
  node.vms.catch_up(key);
  work();
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot));
}

TEST_F(VmWorkerTest, ARefusedVersionWaitsForTheCache) {
  boot();
  node.vms.lag(true);
  node.vms.edit(key, [](auto& vm) { vm.spec.wish.cpu = 4; });
  node.engine.guest_ends(uid, true);
  const Next next = work();
  EXPECT_FALSE(next.failed) << "no back-off, no hot loop";
  EXPECT_EQ(node.vms.refused_writes(), 1);
  EXPECT_EQ(said("Ready"), "True/Running");
  node.vms.catch_up(key);
  settle();
  EXPECT_EQ(said("Ready"), "True/Completed");
}

TEST_F(VmWorkerTest, NoServerIsBackedOffAndTheEngineGoesOn) {
  boot();
  node.vms.break_down(Code::kUnavailable);
  node.engine.guest_ends(uid, false);
  EXPECT_TRUE(work().failed);
  node.timer.advance(seconds{10});
  EXPECT_TRUE(work().failed);
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot, Kind::kStart))
      << "the restart policy needs no server";
  node.engine.succeed(uid);
  work();
  node.vms.break_down({});
  settle();
  EXPECT_EQ(said("Ready"), "True/Running");
  EXPECT_EQ(node.vms.stored(key)->status.restarts, 1U);
}

TEST_F(VmWorkerTest, ABusyEngineIsAskedAgainWithWhatIsThenTrue) {
  node.vms.put(make_vm("vm"));
  work();
  node.engine.refuse(Code::kConflict);
  EXPECT_TRUE(work().failed);
  EXPECT_EQ(node.vms.status_writes(key), 0) << "nothing was begun";
  node.engine.refuse({});
  settle();
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot));
}

// Of a request that the engine took, nothing may be lost with a status.
TEST_F(VmWorkerTest, ARefusedStatusLosesNoEventOfItsRequest) {
  node.vms.put(make_vm("other"));
  for (int n = 0; n < 3; ++n) worker.work({"ns", "other"});
  node.engine.succeed("other-uid");
  ASSERT_TRUE(node.engine.submit(
      "other-uid", engine::SnapshotRequest{"snap-uid", "ns", "snap"}));
  node.engine.succeed("other-uid");
  node.snapshots.put(make_vm_snapshot("snap", "other"));
  boot();
  node.vms.edit(key, [](auto& vm) {
    vm.spec.restore = api::RestoreSpec{"snap", 1, false, true, ""};
  });
  node.vms.lag(true);
  node.vms.edit(key, [](auto&) {});  // unseen by the cache
  work();
  ASSERT_EQ(node.engine.asked(uid).back(), Kind::kRestore);
  EXPECT_EQ(node.vms.refused_writes(), 1);
  node.vms.lag(false);
  node.vms.catch_up(key);
  settle();
  size_t told = 0;
  for (const EventNote& note : node.events.told())
    if (note.reason == "ForeignRestore") ++told;
  EXPECT_EQ(told, 1U);
}

TEST_F(VmWorkerTest, DeletesThenLetsGoThenForgets) {
  boot();
  node.vms.ask_deletion(key, node.timer.wall());
  settle();
  EXPECT_THAT(node.engine.asked(uid),
              ElementsAre(Kind::kBoot, Kind::kDeleteVm));
  node.engine.succeed(uid);
  settle();
  EXPECT_EQ(node.vms.stored(key), nullptr);
  work();
  EXPECT_THAT(known.uids_of(key), IsEmpty());
}

TEST_F(VmWorkerTest, AnObjectThatVanishedIsStoppedWhenSeenTwice) {
  boot();
  node.vms.vanish(key);
  const Next first = work();
  EXPECT_EQ(first.after, seconds{30});
  node.timer.advance(seconds{29});
  work();
  EXPECT_EQ(node.engine.asked(uid).size(), 1U);
  node.timer.advance(seconds{1});
  work();
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot, Kind::kStop));
  node.engine.succeed(uid);
  node.timer.advance(seconds{3600});
  work();
  EXPECT_EQ(node.engine.asked(uid).size(), 2U) << "its files are kept";
  EXPECT_TRUE(node.engine.view(uid).record);
}

TEST_F(VmWorkerTest, AnotherObjectOfItsNameStopsItAndIsBootedItself) {
  boot();
  node.vms.vanish(key);
  auto other = make_vm("vm");
  other.meta.uid = "other-uid";
  node.vms.put(other);
  settle();
  EXPECT_THAT(node.engine.asked("other-uid"), ElementsAre(Kind::kBoot));
  node.timer.advance(seconds{30});
  work();
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot, Kind::kStop));
}

TEST_F(VmWorkerTest, ALookThatFailedIsNoAbsence) {
  boot();
  node.vms.vanish(key);
  node.vms.break_down(Code::kTimeout);
  EXPECT_TRUE(work().failed);
  node.timer.advance(seconds{60});
  EXPECT_TRUE(work().failed);
  EXPECT_EQ(node.engine.asked(uid).size(), 1U);
}

TEST_F(VmWorkerTest, NothingIsAbsentBeforeTheFirstListIsComplete) {
  boot();
  node.vms.vanish(key);
  node.vms.set_synced(false);
  EXPECT_TRUE(work().after);
  node.timer.advance(seconds{60});
  work();
  EXPECT_EQ(node.engine.asked(uid).size(), 1U);
  EXPECT_EQ(node.vms.reads(), 0);
}

TEST_F(VmWorkerTest, WhatWasMovedToAnotherNodeIsStoppedAtOnce) {
  boot();
  node.vms.edit(key, [](auto& vm) { vm.status.node_name = "node-b"; });
  work();
  EXPECT_THAT(node.engine.asked(uid), ElementsAre(Kind::kBoot, Kind::kStop));
  // What fails at once is not asked in a loop.
  node.engine.fail(uid, engine::Reason::kVmmUnkillable);
  work();
  work();
  EXPECT_EQ(node.engine.asked(uid).size(), 2U);
  node.timer.advance(seconds{30});
  work();
  EXPECT_EQ(node.engine.asked(uid).size(), 3U);
}

TEST_F(VmWorkerTest, AWipedStatusIsPutBackWhereTheFinalizerStands) {
  boot();
  node.vms.edit(key, [](auto& vm) { vm.status = {}; });
  EXPECT_EQ(node.vms.get(key), nullptr) << "it left the watch";
  work();
  EXPECT_EQ(node.vms.stored(key)->status.node_name, kNode);
  EXPECT_EQ(said("Ready"), "True/Running");
  EXPECT_EQ(node.engine.asked(uid).size(), 1U);
  // Without the finalizer nothing says that it is ours: it is left alone.
  node.vms.edit(key, [](auto& vm) {
    vm.status = {};
    vm.meta.finalizers.clear();
  });
  EXPECT_TRUE(work().after);
  EXPECT_EQ(node.engine.asked(uid).size(), 1U);
}

TEST_F(VmWorkerTest, DataGoesAlsoWhenTheFinalizerWasTakenAwayByForce) {
  boot();
  node.engine.refuse(Code::kUnavailable);
  node.vms.ask_deletion(key, node.timer.wall());
  work();
  node.vms.vanish(key);
  node.engine.refuse({});
  work();
  EXPECT_EQ(node.engine.asked(uid).back(), Kind::kDeleteVm);
}

TEST_F(VmWorkerTest, LooksASnapshotUpByNameAndIsToldOfIt) {
  auto clone = make_vm("vm");
  clone.spec.wish = {};
  clone.spec.clone = api::CloneSource{"snap", false, ""};
  node.vms.put(clone);
  settle();
  EXPECT_EQ(said("Ready"), "False/SnapshotNotFound");
  EXPECT_THAT(waiters.on({"ns", "snap"}), ElementsAre(key));
  auto elsewhere = make_vm_snapshot("snap", "other");
  elsewhere.status.node_name = "node-b";
  node.snapshots.put(elsewhere);
  EXPECT_TRUE(work().after) << "no watch of ours tells of it";
  EXPECT_EQ(said("Ready"), "False/SnapshotOnOtherNode");
  node.snapshots.break_down(Code::kUnavailable);
  work();
  node.snapshots.break_down({});
  settle();
  EXPECT_EQ(said("Ready"), "False/SnapshotOnOtherNode");
}

}  // namespace
}  // namespace chrysalis::runtime
