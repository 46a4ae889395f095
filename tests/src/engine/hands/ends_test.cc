// VMMs and guests that end by themselves, and what is remembered of it.

#include <gmock/gmock.h>
#include <signal.h>

#include "src/engine/machine/restart.h"
#include "src/store/records.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

using R = model::RestartPolicy;

class NodeEnds : public NodeTest {
 protected:
  // Its end was seen and everything of its VMM is gone.
  bool await_reaped(const std::string& uid) {
    return await([&] {
      const VmView vm = view(uid);
      return vm.live == Live::kEnded && vm.exit && vmm_pid(uid) == 0 &&
             !vm.running;
    });
  }
  // What the policy makes of its end as it is told.
  OnExit verdict(const std::string& uid, R policy) {
    const VmView vm = view(uid);
    return on_exit(policy, {vm.exit->at, vm.exit->clean},
                   {0, vm.record->started_at}, vm.exit->at)
        .what;
  }
  void expect_clean(const std::string& uid) {
    const VmView vm = view(uid);
    ASSERT_TRUE(vm.exit);
    EXPECT_EQ(vm.exit->reason, "GuestPoweredOff");
    EXPECT_EQ(vm.exit->code, 0);
    EXPECT_TRUE(vm.exit->clean);
    EXPECT_EQ(verdict(uid, R::kAlways), OnExit::kRestart);
    EXPECT_EQ(verdict(uid, R::kOnFailure), OnExit::kSucceeded);
    EXPECT_EQ(verdict(uid, R::kNever), OnExit::kSucceeded);
  }
};

// Cloud Hypervisor's process stays and is killed for good: by us, which says
// nothing of the guest.
TEST_P(NodeEnds, AGuestThatPoweredItselfOffEndedCleanly) {
  boot("vm-1");
  fault("vm-1", 1, R"({"guest":"power-off"})");
  ASSERT_TRUE(await_reaped("vm-1"));
  expect_clean("vm-1");
  close();
  open();
  expect_clean("vm-1");
}

TEST_P(NodeEnds, APowerOffIsRememberedThroughTheAgentsDeath) {
  boot("vm-1");
  die_at("Reap/Kill/Acted");
  fault("vm-1", 1, R"({"guest":"power-off"})");
  ASSERT_TRUE(await_death());
  close();
  open();
  ASSERT_TRUE(await_reaped("vm-1"));
  expect_clean("vm-1");
}

// A clean end of a life before says nothing of this one.
TEST_P(NodeEnds, AKilledVmmAfterACleanEndIsAFailure) {
  boot("vm-1");
  fault("vm-1", 1, R"({"guest":"power-off!1"})");
  ASSERT_TRUE(await_reaped("vm-1"));
  fault("vm-1", 1, "{}");
  StartRequest start;
  start.config = view("vm-1").record->config;
  start.sources = view("vm-1").record->sources;
  ASSERT_TRUE(run("vm-1", start).ok);
  ASSERT_EQ(::kill(vmm_pid("vm-1"), SIGKILL), 0);
  ASSERT_TRUE(await_reaped("vm-1"));
  EXPECT_EQ(view("vm-1").exit->reason, "VmmKilled");
  EXPECT_EQ(verdict("vm-1", R::kOnFailure), OnExit::kRestart);
  EXPECT_EQ(verdict("vm-1", R::kNever), OnExit::kFailed);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeEnds,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
