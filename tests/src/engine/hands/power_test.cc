#include <gmock/gmock.h>
#include <signal.h>

#include "src/store/records.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

class NodePower : public NodeTest {};

StartRequest start_of(const VmView& view) {
  StartRequest request;
  request.config = view.record->config;
  request.sources = view.record->sources;
  return request;
}

TEST_P(NodePower, BootsAndReadsBackWhatRuns) {
  const uint64_t before = node_->db().commits();
  boot("vm-1");
  EXPECT_LE(node_->db().commits() - before, 4U);
  const VmView vm = view("vm-1");
  EXPECT_EQ(vm.live, Live::kRunning);
  ASSERT_TRUE(vm.read_back);
  EXPECT_EQ(vm.read_back->cpu, 1U);
  EXPECT_EQ(vm.read_back->memory.count, uint64_t{64} << 20);
  EXPECT_EQ(vm.read_back->storage.count, uint64_t{16} << 20);
  EXPECT_EQ(vm.read_back->nics, 1U);
  EXPECT_EQ(vm.read_back, vm.record->config);
  EXPECT_THAT(vm.record->config.image_digest, testing::StartsWith("sha256:"));
  ASSERT_EQ(vm.nics.size(), 1U);
  EXPECT_EQ(vm.nics[0].mac, vm.nics[0].guest_mac);
  EXPECT_TRUE(vm.record->first_booted);
}

TEST_P(NodePower, PausesAndGoesOn) {
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  EXPECT_TRUE(run("vm-1", PauseRequest{}).ok);
  EXPECT_EQ(view("vm-1").live, Live::kPaused);
  EXPECT_EQ(view("vm-1").record->power, model::PowerState::kPaused);
  EXPECT_TRUE(run("vm-1", ResumeRequest{}).ok);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
}

TEST_P(NodePower, StopsStartsAndKeepsTheDisk) {
  boot("vm-1");
  const std::string mac = view("vm-1").nics.at(0).mac;
  EXPECT_TRUE(run("vm-1", StopRequest{seconds{10}}).ok);
  EXPECT_EQ(view("vm-1").live, Live::kStopped);
  EXPECT_EQ(vmm_pid("vm-1"), 0);
  auto request = start_of(view("vm-1"));
  request.config.cpu = 2;
  const Outcome outcome = run("vm-1", request);
  EXPECT_TRUE(outcome.ok) << outcome.message;
  const VmView vm = view("vm-1");
  EXPECT_EQ(vm.live, Live::kRunning);
  ASSERT_TRUE(vm.read_back);
  EXPECT_EQ(vm.read_back->cpu, 2U);
  EXPECT_EQ(vm.nics.at(0).mac, mac);
}

TEST_P(NodePower, RestartsOnceAnAttempt) {
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  RestartRequest request;
  request.attempt = 1;
  request.config = view("vm-1").record->config;
  request.sources = view("vm-1").record->sources;
  request.config.cpu = 3;
  const Outcome outcome = run("vm-1", request);
  EXPECT_TRUE(outcome.ok) << outcome.message;
  EXPECT_NE(vmm_pid("vm-1"), pid);
  EXPECT_EQ(view("vm-1").read_back->cpu, 3U);
  EXPECT_EQ(view("vm-1").record->restart_attempt_done, 1U);
  const Outcome again = run("vm-1", request);
  EXPECT_TRUE(again.refused);
  EXPECT_EQ(again.reason, Reason::kAttemptUsed);
}

TEST_P(NodePower, ADeletedVmLeavesNothing) {
  boot("vm-1");
  const Outcome outcome = run("vm-1", DeleteVmRequest{});
  EXPECT_TRUE(outcome.ok) << outcome.message;
  EXPECT_EQ(view("vm-1").live, Live::kAbsent);
  EXPECT_THAT(left_of("vm-1"), testing::IsEmpty());
}

// Whether a VMM lives there cannot be told: it is not taken for "nobody".
TEST_P(NodePower, WhatCannotBeAskedIsNotRemoved) {
  boot("vm-1");
  ASSERT_TRUE(run("vm-1", StopRequest{seconds{0}}).ok);
  const auto lock = first_generation("vm-1").lock();
  std::filesystem::remove(lock);
  std::filesystem::create_symlink("elsewhere", lock);
  EXPECT_FALSE(run("vm-1", DeleteVmRequest{}).ok);
  EXPECT_TRUE(std::filesystem::exists(first_generation("vm-1").disk(0)));
  std::filesystem::remove(lock);
  EXPECT_TRUE(run("vm-1", DeleteVmRequest{}).ok);
  EXPECT_THAT(left_of("vm-1"), testing::IsEmpty());
}

TEST_P(NodePower, ADiskThatGrewForAStartThatFailedStaysGrown) {
  boot("vm-1");
  ASSERT_TRUE(run("vm-1", StopRequest{seconds{0}}).ok);
  fault("vm-1", 1, R"({"boot":"error"})");
  auto request = start_of(view("vm-1"));
  request.config.storage = {uint64_t{32} << 20};
  ASSERT_EQ(run("vm-1", request).reason, Reason::kBootFailed);
  EXPECT_EQ(view("vm-1").record->config.storage.count, uint64_t{32} << 20);
  fault("vm-1", 1, "{}");
  ASSERT_TRUE(run("vm-1", start_of(view("vm-1"))).ok);
  snapshot("vm-1", "snap-1");
  EXPECT_EQ(engine().snapshot("snap-1").record->config.storage.count,
            uint64_t{32} << 20);
}

// The guest hears the power button, or the keys: it goes long before its
// grace is over, for which run() would not wait.
TEST_P(NodePower, ADeletedVmMayStopByItself) {
  boot("vm-1");
  EXPECT_TRUE(run("vm-1", DeleteVmRequest{seconds{600}}).ok);
  EXPECT_THAT(left_of("vm-1"), testing::IsEmpty());
}

TEST_P(NodePower, AGuestThatDoesNotHearIsKilledAfterItsGrace) {
  auto request = boot_request("vm-1");
  request.config.image = "deaf";
  ASSERT_TRUE(run("vm-1", request).ok);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(run("vm-1", DeleteVmRequest{seconds{1}}).ok);
  EXPECT_GE(std::chrono::steady_clock::now() - start, seconds{1});
  EXPECT_THAT(left_of("vm-1"), testing::IsEmpty());
}

TEST_P(NodePower, RefusesWhatIsNotThereAndTouchesNothing) {
  auto request = boot_request("vm-1");
  request.config.image = "none";
  Outcome outcome = run("vm-1", request);
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kImageNotFound);
  request = boot_request("vm-1");
  request.config.network = "none";
  outcome = run("vm-1", request);
  EXPECT_EQ(outcome.reason, Reason::kNetworkNotFound);
  EXPECT_THAT(left_of("vm-1"), testing::IsEmpty());
}

TEST_P(NodePower, ABootWaitsForTheMemoryOfItsGuest) {
  set_room(Room{uint64_t{63} << 20, uint64_t{1} << 40});
  Outcome outcome = run("vm-1", boot_request("vm-1"));
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kInsufficientMemory);
  EXPECT_THAT(left_of("vm-1"), testing::IsEmpty());
  set_room(std::nullopt);
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  // A restart has what its VMM gives back; more is not there.
  set_room(Room{uint64_t{1} << 20, uint64_t{1} << 40});
  RestartRequest restart;
  restart.attempt = 1;
  restart.config = view("vm-1").record->config;
  restart.sources = view("vm-1").record->sources;
  restart.config.memory = {uint64_t{128} << 20};
  EXPECT_EQ(run("vm-1", restart).reason, Reason::kInsufficientMemory);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  restart.config.memory = {uint64_t{64} << 20};
  EXPECT_TRUE(run("vm-1", restart).ok);
  ASSERT_TRUE(run("vm-1", StopRequest{seconds{0}}).ok);
  outcome = run("vm-1", start_of(view("vm-1")));
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kInsufficientMemory);
}

TEST_P(NodePower, AKilledVmmIsSeenToHaveEnded) {
  boot("vm-1");
  ASSERT_EQ(::kill(vmm_pid("vm-1"), SIGKILL), 0);
  ASSERT_TRUE(await(
      [&] { return view("vm-1").live == Live::kEnded && view("vm-1").exit; }));
  EXPECT_EQ(view("vm-1").exit->reason, "VmmKilled");
  EXPECT_FALSE(view("vm-1").exit->clean);
  ASSERT_TRUE(await([&] { return vmm_pid("vm-1") == 0; }));
  EXPECT_TRUE(run("vm-1", start_of(view("vm-1"))).ok);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
}

// Cloud Hypervisor's guest reboots inside its process and is counted. With
// Firecracker the process ends as after a power-off: for the restart policy.
TEST_P(NodePower, RebootsOfTheGuestAreCounted) {
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  fault("vm-1", 1, R"({"guest":"reboot!1"})");
  if (GetParam() == model::Hypervisor::kFirecracker) {
    ASSERT_TRUE(await([&] { return view("vm-1").live == Live::kEnded; }));
    EXPECT_EQ(view("vm-1").record->guest_reboots, 0U);
    return;
  }
  const auto reboots = [&] { return view("vm-1").record->guest_reboots; };
  ASSERT_TRUE(await([&] { return reboots() == 1; }));
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  // Twice while no agent is there; the next one finds both.
  fault("vm-1", 1, R"({"guest":"reboot!2"})");
  close();
  ASSERT_TRUE(await_file(first_generation("vm-1").events(), "\"rebooted\"", 3));
  open();
  ASSERT_TRUE(await([&] { return reboots() == 3; }));
  // What a boot makes a VMM of is counted on.
  ASSERT_TRUE(run("vm-1", StopRequest{seconds{0}}).ok);
  ASSERT_TRUE(run("vm-1", start_of(view("vm-1"))).ok);
  EXPECT_EQ(reboots(), 3U);
  fault("vm-1", 1, R"({"guest":"reboot!1"})");
  ASSERT_TRUE(await([&] { return reboots() == 4; }));
}

TEST_P(NodePower, AnotherAgentTakesTheVmOver) {
  boot("vm-1");
  boot("vm-2");
  EXPECT_TRUE(run("vm-2", PauseRequest{}).ok);
  const int one = vmm_pid("vm-1"), two = vmm_pid("vm-2");
  const auto before = view("vm-1");
  close();
  open();
  EXPECT_EQ(vmm_pid("vm-1"), one);
  EXPECT_EQ(vmm_pid("vm-2"), two);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
  EXPECT_EQ(view("vm-2").live, Live::kPaused);
  EXPECT_EQ(*view("vm-1").record, *before.record);
  EXPECT_EQ(view("vm-1").read_back, before.read_back);
  EXPECT_TRUE(run("vm-1", StopRequest{seconds{10}}).ok);
}

TEST_P(NodePower, TwoAgentsNeverShareAState) {
  const SystemClock clock;
  const auto second = Node::open(options(), clock);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodePower,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
