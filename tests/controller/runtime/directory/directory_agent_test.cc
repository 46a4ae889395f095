// The agent's loop over a directory: what a removed manifest and a deletion
// come to at the engine.

#include <gmock/gmock.h>

#include <condition_variable>
#include <functional>
#include <mutex>

#include "controller/runtime/executor/agent.h"
#include "tests/controller/runtime/directory/directory_fixture.h"
#include "tests/fakes/engine/fake_engine.h"
#include "tests/fakes/fake_timer.h"

namespace chrysalis::runtime::directory {
namespace {

using engine::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class DirectoryAgentTest : public DirectoryTest {
 protected:
  DirectoryAgentTest() {
    write("web.yaml", vm_yaml("web"));
    open();
    auto store = objects_->store();
    store.vms.add_handler([this](const Delivery&) { moved(); });
    store.snapshots.add_handler([this](const Delivery&) { moved(); });
    agent_.emplace(Agent::Deps{store, engine_, timer_, [] {
                                 return reconcile::NodeFacts{
                                     "node-a",
                                     kFinalizer,
                                     "net-a",
                                     {{model::Hypervisor::kCloudHypervisor,
                                       "v53", engine::Reason::kNone}}};
                               }});
    agent_->start();
  }
  ~DirectoryAgentTest() override { agent_->stop(); }

  void moved() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  bool await(const std::function<bool()>& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds{60}, holds);
  }
  bool vm_is(const std::string& reason) {
    return await([&] {
      const auto object = vm("web");
      const auto* ready =
          object ? api::find_condition(object->status.conditions, "Ready")
                 : nullptr;
      return ready != nullptr && ready->reason == reason;
    });
  }
  // The engine does what it was asked last, and says so in node.db.
  void carry_out(const std::string& uid) {
    ASSERT_TRUE(engine_.await(uid));
    if (engine_.asked(uid).back() == Kind::kDeleteVm)
      ASSERT_TRUE(db_->commit({store::EraseVm{uid}}));
    else
      give_data(uid);
    engine_.succeed(uid);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  FakeTimer timer_;
  FakeEngine engine_{timer_};
  std::optional<Agent> agent_;
};

TEST_F(DirectoryAgentTest, BootsStopsReturnsAndDeletes) {
  const auto uid = vm("web")->meta.uid;
  carry_out(uid);
  ASSERT_TRUE(vm_is("Running"));
  scan();  // waits for the write that was heard of, and so for its file
  EXPECT_THAT(text_of(kWebStatus), HasSubstr("phase: \"Running\""));

  remove("web.yaml");
  scan();
  carry_out(uid);
  ASSERT_TRUE(vm_is("StoppedAsRequested"));

  write("web.yaml", vm_yaml("web"));
  scan();
  carry_out(uid);
  ASSERT_TRUE(vm_is("Running"));

  remove("web.yaml");
  ASSERT_EQ(objects_->ask_delete(vm_id("web")).value(), uid);
  while (vm("web") && engine_.asked(uid).back() != Kind::kDeleteVm)
    carry_out(uid);
  if (db_->vm(uid)) carry_out(uid);
  EXPECT_TRUE(objects_->wait_gone(vm_id("web"), uid,
                                  SystemClock{}.mono() + seconds{60}, {}));
  EXPECT_FALSE(exists(kWebStatus));
  EXPECT_THAT(db_->identities(), IsEmpty());
  EXPECT_EQ(engine_.asked(uid).back(), Kind::kDeleteVm);
}

TEST_F(DirectoryAgentTest, ASnapshotWhoseManifestWentIsNotTaken) {
  const auto uid = vm("web")->meta.uid;
  carry_out(uid);
  ASSERT_TRUE(vm_is("Running"));
  write("early.yaml", snapshot_yaml("early"));
  scan();
  ASSERT_TRUE(engine_.await(uid));  // a capture occupies its VM's lane
  engine_.fail(uid, engine::Reason::kInsufficientStorage);
  remove("early.yaml");
  scan();
  EXPECT_FALSE(snapshot("early"));
  EXPECT_THAT(engine_.asked(uid), ElementsAre(Kind::kBoot, Kind::kSnapshot));
}

}  // namespace
}  // namespace chrysalis::runtime::directory
