#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "src/hypervisor/process_identity.h"
#include "src/network/vm_network.h"
#include "src/store/records.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

class NodeLoad : public NodeTest {};

TEST_P(NodeLoad, ASnapshotIsWholeAndTheGuestGoesOn) {
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  snapshot("vm-1", "snap-1");
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
  const auto record = engine().snapshot("snap-1").record;
  EXPECT_EQ(record->source_uid, "vm-1");
  EXPECT_EQ(record->config, view("vm-1").record->config);
  EXPECT_THAT(record->manifest_digest, testing::StartsWith("sha256:"));
  EXPECT_GT(record->memory_bytes, 0U);
  EXPECT_NE(mark_in("snap-1").nonce, std::string(16, '\0'));
}

TEST_P(NodeLoad, AUsersPauseStaysThroughASnapshot) {
  boot("vm-1");
  ASSERT_TRUE(run("vm-1", PauseRequest{}).ok);
  snapshot("vm-1", "snap-1");
  EXPECT_EQ(view("vm-1").live, Live::kPaused);
}

TEST_P(NodeLoad, AStoppedVmIsNotSnapshotted) {
  boot("vm-1");
  ASSERT_TRUE(run("vm-1", StopRequest{seconds{10}}).ok);
  const Outcome outcome =
      run("vm-1", SnapshotRequest{"snap-1", "default", "snap-1"});
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kSourceNotRunning);
  EXPECT_FALSE(engine().snapshot("snap-1").record);
}

TEST_P(NodeLoad, ACloneGoesOnFromTheSavedCounterWithAnotherMac) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const Mark saved = mark_in("snap-1");
  const Outcome outcome = run("vm-2", clone_of("snap-1"));
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  const VmView clone = view("vm-2");
  EXPECT_EQ(clone.live, Live::kRunning);
  EXPECT_EQ(clone.read_back, clone.record->config);
  EXPECT_EQ(clone.record->sources.cpu, model::Source::kSnapshot);
  EXPECT_NE(clone.nics.at(0).mac, view("vm-1").nics.at(0).mac);
  ASSERT_TRUE(clone.record->inherited);
  EXPECT_EQ(clone.record->inherited->uid, "snap-1");
  ASSERT_TRUE(await([&] {
    const auto last = run("vm-2", SnapshotRequest{"snap-2", "default", "s"});
    return last.reason != Reason::kNicSwapPending;
  }));
  const Mark now = mark_in("snap-2");
  EXPECT_EQ(now.nonce, saved.nonce);  // restored, not rebooted
  EXPECT_GE(now.counter, saved.counter);
}

TEST_P(NodeLoad, ASpecThatSetsWhatACloneInheritsIsRefused) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  auto request = clone_of("snap-1");
  request.wish.cpu = 1;  // even when equal
  const Outcome outcome = run("vm-2", request);
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kInvalidConfig);
  EXPECT_THAT(outcome.message, testing::HasSubstr("spec.resources.cpu"));
  EXPECT_THAT(left_of("vm-2"), testing::IsEmpty());
}

TEST_P(NodeLoad, AStoppedCloneIsStagedAndItsFirstStartIsTheLoad) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  auto request = clone_of("snap-1");
  request.power = model::PowerState::kStopped;
  ASSERT_TRUE(run("vm-2", request).ok);
  EXPECT_EQ(view("vm-2").live, Live::kStopped);
  StartRequest start;
  start.config = view("vm-2").record->config;
  start.sources = view("vm-2").record->sources;
  const Outcome outcome = run("vm-2", start);
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  EXPECT_EQ(view("vm-2").live, Live::kRunning);
  EXPECT_FALSE(view("vm-2").record->pending_load);
}

TEST_P(NodeLoad, ARestoreBringsBackTheInstantAndEndsTheOldVmmLast) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const Mark saved = mark_in("snap-1");
  RestartRequest restart;
  restart.attempt = 1;
  restart.config = view("vm-1").record->config;
  restart.sources = view("vm-1").record->sources;
  restart.config.cpu = 2;
  ASSERT_TRUE(run("vm-1", restart).ok);
  ASSERT_NE(mark_of("vm-1").nonce, saved.nonce);
  const std::string mac = view("vm-1").nics.at(0).mac;
  const int old = vmm_pid("vm-1");

  const Outcome outcome = run("vm-1", restore_to("snap-1"));
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  EXPECT_EQ(outcome.restore, store::RestoreResult::kSucceeded);
  const VmView vm = view("vm-1");
  EXPECT_EQ(vm.live, Live::kRunning);
  EXPECT_EQ(vm.record->config.cpu, 1U);
  EXPECT_EQ(vm.read_back, vm.record->config);
  EXPECT_EQ(vm.record->sources.cpu, model::Source::kSnapshot);
  EXPECT_EQ(vm.record->sources.network, model::Source::kVirtualMachine);
  EXPECT_EQ(vm.record->restore_attempt_done, 1U);
  EXPECT_EQ(vm.nics.at(0).mac, mac);
  EXPECT_NE(vmm_pid("vm-1"), old);
  EXPECT_EQ(node_->db().processes("vm-1").size(), 1U);
  EXPECT_EQ(mark_of("vm-1").nonce, saved.nonce);
  // A third generation of the same snapshot, by another agent.
  close();
  open();
  const Outcome again = run("vm-1", restore_to("snap-1", 2));
  EXPECT_TRUE(again.ok) << to_string(again.reason) << again.message;
}

// Its VMM tells one vCPU more than the snapshot has.
TEST_P(NodeLoad, AnotherShapeThanTheSnapshotsNeverRuns) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const int pid = vmm_pid("vm-1");
  meddle([&](const Failpoint& at) {
    const std::string name = name_of(at);
    if (name == "Clone/Stage/Acted") fault("vm-2", 1, R"({"lie":"cpu"})");
    if (name == "Restore/Stage/Acted") fault("vm-1", 2, R"({"lie":"cpu"})");
  });
  const Outcome clone = run("vm-2", clone_of("snap-1"));
  EXPECT_EQ(clone.reason, Reason::kTopologyMismatch);
  EXPECT_THAT(clone.message,
              testing::HasSubstr("cpu: the snapshot has 1, 2 was loaded"));
  EXPECT_THAT(left_of("vm-2"), testing::IsEmpty());
  const Outcome restore = run("vm-1", restore_to("snap-1"));
  EXPECT_EQ(restore.reason, Reason::kTopologyMismatch);
  EXPECT_EQ(restore.restore, store::RestoreResult::kRolledBack);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
}

// A file of the same size and bytes, but not the one of its generation.
TEST_P(NodeLoad, AnotherDiskThanItsGenerationsNeverRuns) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const int pid = vmm_pid("vm-1");
  const auto plant = [&](const std::string& uid, uint32_t generation) {
    const auto paths = node_->paths().generation(uid, generation);
    std::filesystem::copy_file(paths.disk(0), paths.file("other"));
    ASSERT_EQ(::chmod(paths.file("other").c_str(), 0666), 0);
    fault(uid, generation, R"({"disk":"/run/chrysalis/vm/other"})");
  };
  meddle([&](const Failpoint& at) {
    const std::string name = name_of(at);
    if (name == "Clone/Stage/Acted") plant("vm-2", 1);
    if (name == "Restore/Stage/Acted") plant("vm-1", 2);
  });
  const Outcome clone = run("vm-2", clone_of("snap-1"));
  EXPECT_EQ(clone.reason, Reason::kTopologyMismatch);
  EXPECT_THAT(clone.message,
              testing::HasSubstr("disks[disk0]: the VMM did not open"));
  EXPECT_THAT(left_of("vm-2"), testing::IsEmpty());
  const Outcome restore = run("vm-1", restore_to("snap-1"));
  EXPECT_EQ(restore.reason, Reason::kTopologyMismatch);
  EXPECT_EQ(restore.restore, store::RestoreResult::kRolledBack);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
}

TEST_P(NodeLoad, AStoppedCloneNeedsNothingOfItsSnapshotAnyMore) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const Mark saved = mark_in("snap-1");
  auto request = clone_of("snap-1");
  request.power = model::PowerState::kStopped;
  ASSERT_TRUE(run("vm-2", request).ok);
  ASSERT_TRUE(run("snap-1", DeleteSnapshotRequest{}).ok);
  ASSERT_TRUE(run("vm-1", DeleteVmRequest{}).ok);
  StartRequest start;
  start.config = view("vm-2").record->config;
  start.sources = view("vm-2").record->sources;
  const Outcome outcome = run("vm-2", start);
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  EXPECT_EQ(view("vm-2").live, Live::kRunning);
  ASSERT_TRUE(await([&] {
    const auto last = run("vm-2", SnapshotRequest{"snap-2", "default", "s"});
    return last.reason != Reason::kNicSwapPending;
  }));
  EXPECT_EQ(mark_in("snap-2").nonce, saved.nonce);
}

TEST_P(NodeLoad, WithoutHeadRoomNothingIsTouchedAndTheNumbersAreTold) {
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  set_room(Room{uint64_t{1} << 40, uint64_t{8} << 20});
  Outcome outcome = run("vm-1", SnapshotRequest{"snap-1", "default", "snap-1"});
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kInsufficientStorage);
  EXPECT_THAT(outcome.message,
              testing::HasSubstr("of disk; the node has 8Mi, of which 0 are "
                                 "reserved by operations in flight"));
  set_room(std::nullopt);
  snapshot("vm-1", "snap-1");
  set_room(Room{1, uint64_t{1} << 40});
  outcome = run("vm-2", clone_of("snap-1"));
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kInsufficientMemory);
  EXPECT_THAT(left_of("vm-2"), testing::IsEmpty());
  outcome = run("vm-1", restore_to("snap-1"));
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kInsufficientMemory);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
}

// Room for one clone at a time: it is given back by one that ended well, by
// one that failed, and by one that was refused.
TEST_P(NodeLoad, WhatAnOperationReservedIsGivenBackAtItsEnd) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  set_room(Room{uint64_t{65} << 20, uint64_t{65} << 20});
  meddle([&](const Failpoint& at) {
    if (name_of(at) == "Clone/Stage/Acted" && view("vm-3").running)
      fault("vm-3", 1, R"({"lie":"cpu"})");
  });
  EXPECT_TRUE(run("vm-2", clone_of("snap-1")).ok);
  EXPECT_EQ(run("vm-3", clone_of("snap-1")).reason, Reason::kTopologyMismatch);
  auto refused = clone_of("snap-1");
  refused.wish.cpu = 7;
  EXPECT_TRUE(run("vm-4", refused).refused);
  EXPECT_TRUE(run("vm-5", clone_of("snap-1")).ok);
}

TEST_P(NodeLoad, ARefusedRestoreLeavesTheSameProcess) {
  boot("vm-1");
  boot("vm-2");
  snapshot("vm-2", "snap-2");
  const int pid = vmm_pid("vm-1");
  const auto record = *view("vm-1").record;
  EXPECT_EQ(run("vm-1", restore_to("none")).reason, Reason::kSnapshotNotFound);
  EXPECT_EQ(run("vm-1", restore_to("snap-2")).reason, Reason::kForeignSnapshot);
  auto pinned = restore_to("snap-2");
  pinned.manifest_digest = "sha256:0";
  EXPECT_EQ(run("vm-1", pinned).reason, Reason::kDigestMismatch);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
  EXPECT_EQ(*view("vm-1").record, record);
}

TEST_P(NodeLoad, WithoutItsShimAVmIsNeitherSnapshottedNorRestored) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const auto row = node_->db().processes("vm-1").at(0);
  auto shim = hypervisor::open_process({row->shim_pid, row->shim_start});
  ASSERT_TRUE(shim);
  ASSERT_TRUE(hypervisor::signal_process(shim->get(), SIGKILL));
  ASSERT_TRUE(hypervisor::wait_process(shim->get(),
                                       SystemClock().mono() + seconds{20}));
  const Outcome taken = run("vm-1", SnapshotRequest{"snap-2", "default", "s"});
  EXPECT_EQ(taken.reason, Reason::kShimLost);
  const Outcome outcome = run("vm-1", restore_to("snap-1"));
  EXPECT_TRUE(outcome.refused);
  EXPECT_EQ(outcome.reason, Reason::kShimLost);
  EXPECT_EQ(vmm_pid("vm-1"), row->vmm_pid);
  EXPECT_EQ(view("vm-1").live, Live::kShimLost);
  EXPECT_EQ(view("vm-1").record->restore_attempt_done, 0U);
}

// A swap leaves the old NICs with a guest that does not eject them. What is
// made anew by a boot, or was never swapped, waits for none of them.
TEST_P(NodeLoad, OnlyTheNicsThatAreBeingEjectedHoldUpASnapshot) {
  auto request = boot_request("vm-1");
  request.config.image = "deaf";
  ASSERT_TRUE(run("vm-1", request).ok);
  snapshot("vm-1", "snap-1");
  ASSERT_TRUE(run("vm-2", clone_of("snap-1")).ok);
  const bool swaps = GetParam() == model::Hypervisor::kCloudHypervisor;
  const auto take = [&](const std::string& uid) {
    return run("vm-2", SnapshotRequest{uid, "default", uid});
  };
  EXPECT_EQ(take("snap-2").reason,
            swaps ? Reason::kNicSwapPending : Reason::kNone);
  EXPECT_EQ(view("vm-2").record->ejecting.size(), swaps ? 1U : 0U);
  RestartRequest restart;
  restart.attempt = 1;
  restart.grace = seconds{0};  // it would not hear
  restart.config = view("vm-2").record->config;
  restart.sources = view("vm-2").record->sources;
  ASSERT_TRUE(run("vm-2", restart).ok);
  EXPECT_TRUE(take("snap-3").ok);
  ASSERT_TRUE(run("vm-2", restore_to("snap-3")).ok);
  EXPECT_TRUE(take("snap-4").ok);
}

// Neither of a load that failed, nor of a generation that was replaced.
TEST_P(NodeLoad, NoTapOfAForeignRestoreIsLeftBehind) {
  boot("vm-1");
  boot("vm-2");
  snapshot("vm-2", "snap-2");
  const auto taps = [] {
    std::vector<std::string> out;
    const auto census = network::VmNetwork().census();
    for (const auto& seen : *census)
      if (seen.vm_uid == "vm-1")
        for (const std::string& tap : seen.taps)
          if (tap.starts_with('x')) out.push_back(tap);
    return out;
  };
  auto request = restore_to("snap-2");
  request.allow_foreign = true;
  meddle([&](const Failpoint& at) {
    if (name_of(at) == "Restore/Stage/Acted")
      fault("vm-1", 2, R"({"lie":"cpu"})");
  });
  EXPECT_EQ(run("vm-1", request).reason, Reason::kTopologyMismatch);
  EXPECT_THAT(taps(), testing::IsEmpty());
  meddle({});
  for (request.attempt = 2; request.attempt <= 3; ++request.attempt)
    ASSERT_TRUE(run("vm-1", request).ok);
  const std::string own =
      network::throwaway_tap_name(view("vm-1").record->generation, 0);
  for (const std::string& tap : taps()) EXPECT_EQ(tap, own);
}

TEST_P(NodeLoad, ASwapIsOverWhenTheGuestHasEjectedEachOldNic) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  ASSERT_TRUE(run("vm-2", clone_of("snap-1")).ok);
  ASSERT_TRUE(await([&] {
    const auto last = run("vm-2", SnapshotRequest{"snap-2", "default", "s"});
    return last.reason != Reason::kNicSwapPending;
  }));
  EXPECT_THAT(view("vm-2").record->ejecting, testing::IsEmpty());
  close();
  open();
  EXPECT_THAT(view("vm-2").record->ejecting, testing::IsEmpty());
  EXPECT_TRUE(run("vm-2", SnapshotRequest{"snap-3", "default", "s"}).ok);
}

TEST_P(NodeLoad, ADeletedSnapshotIsGoneAndItsClonesLive) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  ASSERT_TRUE(run("vm-2", clone_of("snap-1")).ok);
  const Outcome outcome = run("snap-1", DeleteSnapshotRequest{});
  EXPECT_TRUE(outcome.ok) << outcome.message;
  EXPECT_FALSE(engine().snapshot("snap-1").record);
  EXPECT_FALSE(std::filesystem::exists(node_->paths().snapshot("snap-1")));
  EXPECT_EQ(view("vm-2").live, Live::kRunning);
}

TEST_P(NodeLoad, ARetainedSnapshotIsTakenInAgain) {
  boot("vm-1");
  snapshot("vm-1", "snap-12345678");
  ASSERT_TRUE(run("snap-12345678", DeleteSnapshotRequest{true}).ok);
  ImportRequest import;
  import.ns = "default";
  import.name = "back";
  import.directory = "snap-12345678-snap-123";
  const Outcome outcome = run("snap-9", import);
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  EXPECT_TRUE(engine().snapshot("snap-9").ready);
  EXPECT_EQ(engine().snapshot("snap-9").record->source_uid, "");
  EXPECT_TRUE(run("vm-2", clone_of("snap-9")).ok);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeLoad,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
