// One VMSnapshot at a time, without a thread.

#include "controller/runtime/executor/snapshot_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller/runtime/executor/node.h"

namespace chrysalis::runtime {
namespace {

using testing::ElementsAre;

struct SnapshotWorkerTest : testing::Test {
  Next work() { return worker.work(key); }
  std::string ready() {
    return condition(node.snapshots.stored(key).get(), "Ready");
  }

  Node node;
  Known known;
  Waiters waiters;
  SnapshotWorker worker{{node.store, node.engine, node.timer, known, waiters,
                         [] { return node_facts(); }}};
  const ObjectKey key{"ns", "snap"};
};

TEST_F(SnapshotWorkerTest, NoSourceIsAbsentBeforeTheFirstListOfVmsIsComplete) {
  node.snapshots.put(make_vm_snapshot("snap", "vm"));
  node.vms.set_synced(false);
  for (int n = 0; n < 3; ++n) {
    const Next next = work();
    EXPECT_FALSE(next.failed);
    EXPECT_EQ(next.after, seconds{1});
  }
  EXPECT_EQ(ready(), "-");
  EXPECT_EQ(node.snapshots.writes(key), 0);
  EXPECT_THAT(waiters.on({"ns", "vm"}), ElementsAre(key)) << "it is told";

  node.vms.set_synced(true);
  for (int n = 0; n < 3; ++n) work();
  EXPECT_EQ(ready(), "False/SourceNotFound");
}

TEST_F(SnapshotWorkerTest, ASourceThatIsThereNeedsNoListOfTheOthers) {
  node.vms.put(make_vm("vm"));
  node.vms.set_synced(false);
  node.snapshots.put(make_vm_snapshot("snap", "vm"));
  for (int n = 0; n < 3; ++n) work();
  EXPECT_EQ(ready(), "False/SourceNotRunning");
}

TEST_F(SnapshotWorkerTest, AnImportNeedsNoVm) {
  auto snapshot = make_vm_snapshot("snap", "");
  snapshot.spec.directory = api::DirectorySource{kNode, "d"};
  node.vms.set_synced(false);
  node.snapshots.put(snapshot);
  for (int n = 0; n < 3; ++n) work();
  EXPECT_THAT(node.engine.asked("snap-uid"),
              ElementsAre(engine::Kind::kImport));
}

}  // namespace
}  // namespace chrysalis::runtime
