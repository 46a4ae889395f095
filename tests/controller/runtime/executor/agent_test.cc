// The whole loop with its threads: queues, handlers, the engine's changes and
// timers. Time moves by hand; every wait is bounded.

#include "controller/runtime/executor/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller/runtime/executor/node.h"

namespace chrysalis::runtime {
namespace {

using engine::Kind;
using testing::ElementsAre;

struct AgentTest : testing::Test {
  AgentTest() { agent.emplace(deps()); }
  Agent::Deps deps() {
    return {node.store, node.engine, node.timer, [] { return node_facts(); }};
  }
  bool await_vm(const std::string& name, const std::string& ready) {
    return node.vms.await({"ns", name}, [&](const auto* vm) {
      return condition(vm, "Ready") == ready;
    });
  }
  bool await_snapshot(const std::string& name, const std::string& ready) {
    return node.snapshots.await({"ns", name}, [&](const auto* s) {
      return condition(s, "Ready") == ready;
    });
  }
  void boot(const std::string& name) {
    node.vms.put(make_vm(name));
    ASSERT_TRUE(node.engine.await(name + "-uid"));
    node.engine.succeed(name + "-uid");
    ASSERT_TRUE(await_vm(name, "True/Running"));
  }

  Node node;
  std::optional<Agent> agent;
};

TEST_F(AgentTest, BootsSnapshotsClonesAndDeletes) {
  agent->start();
  boot("vm");
  EXPECT_LE(node.vms.writes({"ns", "vm"}), 3);

  node.snapshots.put(make_vm_snapshot("snap", "vm"));
  ASSERT_TRUE(node.engine.await("vm-uid"));
  node.engine.succeed("vm-uid");
  ASSERT_TRUE(await_snapshot("snap", "True/Captured"));
  EXPECT_EQ(node.snapshots.stored({"ns", "snap"})->status.source_uid, "vm-uid");

  auto clone = make_vm("clone");
  clone.spec.wish = {};
  clone.spec.clone = api::CloneSource{"snap", false, ""};
  node.vms.put(clone);
  ASSERT_TRUE(node.engine.await("clone-uid"));
  node.engine.succeed("clone-uid");
  ASSERT_TRUE(await_vm("clone", "True/Running"));
  EXPECT_LE(node.vms.writes({"ns", "clone"}), 3);

  for (const char* name : {"vm", "clone"}) {
    node.vms.ask_deletion({"ns", name}, node.timer.wall());
    ASSERT_TRUE(node.engine.await(std::string(name) + "-uid"));
    node.engine.succeed(std::string(name) + "-uid");
    ASSERT_TRUE(node.vms.await({"ns", name},
                               [](const auto* vm) { return vm == nullptr; }));
  }
  node.snapshots.ask_deletion({"ns", "snap"}, node.timer.wall());
  ASSERT_TRUE(node.engine.await("snap-uid"));
  node.engine.succeed("snap-uid");
  ASSERT_TRUE(node.snapshots.await({"ns", "snap"},
                                   [](const auto* s) { return s == nullptr; }));
}

TEST_F(AgentTest, WhoWaitsIsToldInWhateverOrderTheyCome) {
  agent->start();
  // The clone first, then the snapshot, then the VM it is taken of.
  auto clone = make_vm("clone");
  clone.spec.wish = {};
  clone.spec.clone = api::CloneSource{"snap", false, ""};
  node.vms.put(clone);
  ASSERT_TRUE(await_vm("clone", "False/SnapshotNotFound"));
  node.snapshots.put(make_vm_snapshot("snap", "vm"));
  ASSERT_TRUE(await_snapshot("snap", "False/SourceNotFound"));
  ASSERT_TRUE(await_vm("clone", "False/SnapshotNotReady"));
  boot("vm");
  ASSERT_TRUE(node.engine.await("vm-uid"));
  node.engine.succeed("vm-uid");  // the capture
  ASSERT_TRUE(node.engine.await("clone-uid"));
  node.engine.succeed("clone-uid");
  ASSERT_TRUE(await_vm("clone", "True/Running"));
}

TEST_F(AgentTest, RestoresInPlaceOnceAnAttempt) {
  agent->start();
  boot("vm");
  node.snapshots.put(make_vm_snapshot("snap", "vm"));
  ASSERT_TRUE(node.engine.await("vm-uid"));
  node.engine.succeed("vm-uid");
  ASSERT_TRUE(await_snapshot("snap", "True/Captured"));
  node.vms.edit({"ns", "vm"}, [](auto& vm) {
    vm.spec.restore = api::RestoreSpec{"snap", 1, false, false, ""};
  });
  ASSERT_TRUE(node.engine.await("vm-uid"));
  node.engine.succeed("vm-uid");
  ASSERT_TRUE(node.vms.await({"ns", "vm"}, [](const auto* vm) {
    return condition(vm, "RestoreSucceeded") == "True/Succeeded";
  }));
  EXPECT_THAT(node.engine.asked("vm-uid"),
              ElementsAre(Kind::kBoot, Kind::kSnapshot, Kind::kRestore));
}

TEST_F(AgentTest, ATimerBringsTheRestart) {
  agent->start();
  boot("vm");
  node.engine.guest_ends("vm-uid", false);
  ASSERT_TRUE(await_vm("vm", "False/RestartBackOff"));
  ASSERT_TRUE(node.timer.await_deadlines());
  node.timer.advance(seconds{10});
  ASSERT_TRUE(node.engine.await("vm-uid"));
  EXPECT_EQ(node.engine.asked("vm-uid").back(), Kind::kStart);
}

TEST_F(AgentTest, ASuccessorTakesOverAndLooksAtWhatHasNoObject) {
  agent->start();
  boot("vm");
  boot("left");
  agent.reset();
  node.vms.vanish({"ns", "left"});
  const int writes = node.vms.writes({"ns", "vm"});
  agent.emplace(deps());
  agent->start();
  ASSERT_TRUE(node.timer.await_deadlines());
  node.timer.advance(seconds{30});
  ASSERT_TRUE(node.engine.await("left-uid"));
  EXPECT_EQ(node.engine.asked("left-uid").back(), Kind::kStop);
  EXPECT_EQ(node.engine.asked("vm-uid").size(), 1U);
  EXPECT_EQ(node.vms.writes({"ns", "vm"}), writes) << "nothing to say anew";
}

TEST_F(AgentTest, OneStalledObjectHoldsUpNobody) {
  agent->start();
  auto bad = make_vm("bad");
  bad.spec.wish.cpu = 999;
  node.vms.put(bad);
  ASSERT_TRUE(await_vm("bad", "False/InvalidSpec"));
  for (int n = 0; n < 20; ++n) boot("vm-" + std::to_string(n));
  EXPECT_LE(node.vms.writes({"ns", "bad"}), 2);
}

TEST_F(AgentTest, WhatComesAfterItsEndIsHarmless) {
  agent->start();
  boot("vm");
  agent.reset();
  node.vms.edit({"ns", "vm"}, [](auto& vm) { vm.spec.wish.cpu = 3; });
  node.engine.guest_ends("vm-uid", true);
  EXPECT_EQ(node.engine.asked("vm-uid").size(), 1U);
}

}  // namespace
}  // namespace chrysalis::runtime
