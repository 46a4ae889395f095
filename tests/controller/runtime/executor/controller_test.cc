#include "controller/runtime/executor/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <latch>
#include <map>
#include <mutex>

#include "tests/controller/runtime/executor/node.h"

namespace chrysalis::runtime {
namespace {

using model::operator""_GiB;

class FakeAgents final : public AgentsSource {
 public:
  [[nodiscard]] std::vector<reconcile::Agent> agents() const override {
    const std::lock_guard lock(mutex_);
    return agents_;
  }
  [[nodiscard]] bool synced() const override {
    const std::lock_guard lock(mutex_);
    return synced_;
  }
  void on_change(std::function<void()> changed) override {
    changed_ = std::move(changed);
  }
  void set(std::vector<reconcile::Agent> agents, bool synced = true) {
    {
      const std::lock_guard lock(mutex_);
      agents_ = std::move(agents);
      synced_ = synced;
    }
    if (changed_) changed_();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<reconcile::Agent> agents_;
  bool synced_ = true;
  std::function<void()> changed_;
};

reconcile::Agent agent(const std::string& node, bool alive = true) {
  return {node,
          alive,
          true,
          4_GiB,
          {{model::Hypervisor::kCloudHypervisor, "v53", ""}}};
}

api::VirtualMachine unplaced(const std::string& name) {
  auto vm = make_vm(name);
  vm.status = {};
  return vm;
}

struct ControllerTest : testing::Test {
  ControllerTest() { agents.set({agent("a"), agent("b")}); }
  void start() {
    controller.emplace(Controller::Deps{
        ObjectStore{vms, snapshots, events}, agents, timer,
        [](const std::string& node) { return "chrysalis.dev/node-" + node; }});
    controller->start();
  }
  bool await(const std::string& name, const std::string& node,
             const std::string& ready) {
    return vms.await({"ns", name}, [&](const auto* vm) {
      return vm != nullptr && vm->status.node_name == node &&
             condition(vm, "Ready") == ready;
    });
  }

  // Keeps the worker at a VM until `go` is counted down.
  struct Halt {
    void stop() {
      if (!came.try_wait()) came.count_down();
      go.wait();
    }
    std::latch came{1}, go{1};
  };
  int version_of(const std::string& name) {
    return std::stoi(vms.stored({"ns", name})->meta.resource_version);
  }

  FakeTimer timer;
  FakeObjects<api::VirtualMachine> vms;
  FakeObjects<api::VmSnapshot> snapshots;
  FakeEvents events;
  FakeAgents agents;
  std::optional<Controller> controller;
};

TEST_F(ControllerTest, PlacesEachWithOneWriteAndSpreadsThem) {
  start();
  for (int n = 0; n < 6; ++n) {
    vms.put(unplaced("vm-" + std::to_string(n)));
    ASSERT_TRUE(await("vm-" + std::to_string(n), n % 2 == 0 ? "a" : "b",
                      "Unknown/Scheduled"));
    EXPECT_EQ(vms.writes({"ns", "vm-" + std::to_string(n)}), 1);
  }
  // 3 x (1 GiB + 128 MiB) of 4 GiB are taken on each: none fits any more.
  vms.put(unplaced("late"));
  ASSERT_TRUE(await("late", "", "False/Unschedulable"));
  // One goes: its room is given away.
  vms.vanish({"ns", "vm-3"});
  ASSERT_TRUE(await("late", "b", "Unknown/Scheduled"));
}

TEST_F(ControllerTest, CountsWhatWasPlacedBeforeItStarted) {
  for (int n = 0; n < 3; ++n) {
    auto vm = unplaced("old-" + std::to_string(n));
    vm.status.node_name = "a";
    vms.put(vm);
  }
  vms.put(unplaced("new"));
  start();
  ASSERT_TRUE(await("new", "b", "Unknown/Scheduled"));
}

// One node, room for one: a try that was not written must not count against
// the next, nor must the object of that name before.
TEST_F(ControllerTest, ATryThatFailedTakesNoRoom) {
  agents.set({agent("a")});
  vms.break_down(Code::kUnavailable);
  auto big = unplaced("big");
  big.spec.wish.memory = 3_GiB;
  vms.put(big);
  start();
  ASSERT_TRUE(timer.await_deadlines()) << "it waits its back-off";
  vms.break_down({});
  timer.advance(seconds{1});
  ASSERT_TRUE(await("big", "a", "Unknown/Scheduled"));
  big.meta.uid = "another";
  vms.put(big);  // deleted and made anew, seen as one change
  ASSERT_TRUE(await("big", "a", "Unknown/Scheduled"));
}

TEST_F(ControllerTest, PlacesNobodyBeforeAllIsListedAndLooksAtNoClock) {
  const std::map<std::string, std::function<void(bool)>> last_to_be_listed = {
      {"agents", [&](bool on) { agents.set({agent("a")}, on); }},
      {"snapshots", [&](bool on) { snapshots.set_synced(on); }},
      {"vms", [&](bool on) { vms.set_synced(on); }}};
  for (const auto& [name, list] : last_to_be_listed) {
    SCOPED_TRACE(name);
    agents.set({agent("a")});
    list(false);
    vms.put(unplaced(name));
    start();
    ASSERT_TRUE(timer.await_idle(2)) << "it is told, and need not look again";
    EXPECT_EQ(vms.writes({"ns", name}), 0);
    list(true);
    ASSERT_TRUE(await(name, "a", "Unknown/Scheduled"));
    controller.reset();
  }
}

TEST_F(ControllerTest, AnAgentThatComesTakesWhatWaits) {
  agents.set({});
  start();
  vms.put(unplaced("vm"));
  ASSERT_TRUE(await("vm", "", "False/Unschedulable"));
  agents.set({agent("c")});
  ASSERT_TRUE(await("vm", "c", "Unknown/Scheduled"));
}

TEST_F(ControllerTest, ASnapshotFollowsItsVmAndACloneItsSnapshot) {
  start();
  auto clone = unplaced("clone");
  clone.spec.wish = {};
  clone.spec.clone = api::CloneSource{"snap", false, ""};
  vms.put(clone);
  ASSERT_TRUE(await("clone", "", "False/SnapshotNotFound"));
  auto snapshot = make_vm_snapshot("snap", "vm");
  snapshot.status = {};
  snapshots.put(snapshot);
  ASSERT_TRUE(snapshots.await({"ns", "snap"}, [](const auto* s) {
    return condition(s, "Ready") == "False/SourceNotFound";
  }));
  ASSERT_TRUE(await("clone", "", "False/SnapshotNotReady"));
  auto vm = unplaced("vm");
  vm.spec.node_name = "b";
  vms.put(vm);
  ASSERT_TRUE(snapshots.await({"ns", "snap"}, [](const auto* s) {
    return s->status.node_name == "b";
  }));
  snapshots.edit({"ns", "snap"}, [](auto& s) { s.status.config.emplace(); });
  ASSERT_TRUE(await("clone", "b", "Unknown/Scheduled"));
}

TEST_F(ControllerTest, SaysNodeLostOnceALossAndFightsNobody) {
  auto vm = unplaced("vm");
  vm.status.node_name = "a";
  vms.put(vm);
  start();
  agents.set({agent("a", false)});
  ASSERT_TRUE(await("vm", "a", "Unknown/NodeLost"));
  // An agent that lost its lease only, and still writes.
  const auto speaks = [](api::VirtualMachine& it) {
    it.status.conditions[0].status = api::Truth::kTrue;
    it.status.conditions[0].reason = "Running";
  };
  vms.edit({"ns", "vm"}, speaks);
  vms.put(unplaced("next"));  // worked on after it
  ASSERT_TRUE(await("next", "", "False/Unschedulable"));
  EXPECT_EQ(vms.writes({"ns", "vm"}), 1);
  // It returns, and is lost again: said again.
  agents.set({agent("a")});
  vms.edit({"ns", "vm"}, speaks);
  ASSERT_TRUE(await("next", "a", "Unknown/Scheduled"));
  agents.set({agent("a", false)});
  ASSERT_TRUE(await("vm", "a", "Unknown/NodeLost"));
}

TEST_F(ControllerTest, AChangeOfAgentsIsLookedIntoOnceAndTheLostComeLast) {
  Halt at_holder, at_lost;
  vms.before_write([&](const ObjectKey& key) {
    if (key.name == "holder") at_holder.stop();
    if (key.name.starts_with("lost-")) at_lost.stop();
  });
  auto holder = unplaced("holder");
  for (int n = 0; n < 5; ++n) {
    auto vm = unplaced("lost-" + std::to_string(n));
    vm.status.node_name = "a";
    vms.put(vm);
  }
  start();
  ASSERT_TRUE(timer.await_idle(2));
  vms.put(holder);
  at_holder.came.wait();
  const int before = vms.lists();
  for (int n = 0; n < 50; ++n) agents.set({agent("a", n % 2 == 0), agent("b")});
  EXPECT_EQ(vms.lists(), before) << "not on the thread that tells of agents";
  at_holder.go.count_down();
  at_lost.came.wait();  // all of them are queued
  vms.put(unplaced("next"));
  at_lost.go.count_down();
  ASSERT_TRUE(await("next", "b", "Unknown/Scheduled"));
  for (int n = 0; n < 5; ++n)
    ASSERT_TRUE(await("lost-" + std::to_string(n), "a", "Unknown/NodeLost"));
  for (int n = 1; n < 5; ++n)  // the first was under way
    EXPECT_LT(version_of("next"), version_of("lost-" + std::to_string(n)));
  EXPECT_EQ(vms.lists(), before + 1);
}

TEST_F(ControllerTest, LetsGoOfAVanishedNodesVm) {
  auto vm = unplaced("vm");
  vm.status.node_name = "gone";
  vm.meta.finalizers = {"chrysalis.dev/node-gone"};
  vms.put(vm);
  start();
  ASSERT_TRUE(await("vm", "gone", "Unknown/NodeLost"));
  vms.ask_deletion({"ns", "vm"}, timer.wall());
  ASSERT_TRUE(
      vms.await({"ns", "vm"}, [](const auto* it) { return it == nullptr; }));
}

TEST_F(ControllerTest, NoServerIsBackedOffAndNothingIsForgotten) {
  auto vm = unplaced("vm");
  vm.status.node_name = "a";
  vms.put(vm);
  start();
  vms.break_down(Code::kUnavailable);
  agents.set({agent("a", false)});
  ASSERT_TRUE(timer.await_deadlines()) << "it waits its back-off";
  vms.break_down({});
  timer.advance(seconds{1});
  ASSERT_TRUE(await("vm", "a", "Unknown/NodeLost"));
}

TEST_F(ControllerTest, StopsForGood) {
  start();
  controller->stop();
  vms.put(unplaced("vm"));
  agents.set({agent("a")});
  EXPECT_EQ(vms.writes({"ns", "vm"}), 0);
}

}  // namespace
}  // namespace chrysalis::runtime
