// An agent dies in the middle; what its successor makes of it.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <fstream>
#include <thread>

#include "src/base/unique_fd.h"
#include "src/hypervisor/process_identity.h"
#include "src/store/records.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

class NodeRecovery : public NodeTest {
 protected:
  // Kills the VMM of a dead agent and waits for its end.
  void kill_vmm(const store::ProcessRow& row) {
    auto process = hypervisor::open_process({row.vmm_pid, row.vmm_start});
    ASSERT_TRUE(process);
    ASSERT_TRUE(hypervisor::signal_process(process->get(), SIGKILL));
    ASSERT_TRUE(hypervisor::wait_process(process->get(),
                                         SystemClock().mono() + seconds{20}));
  }
  // As run_and_die, and its VMM ends too before there is a successor.
  void run_and_die_both(const std::string& uid, Request request,
                        const std::string& failpoint) {
    die_at(failpoint);
    ASSERT_TRUE(engine().submit(uid, std::move(request)));
    ASSERT_TRUE(await_death());
    const auto rows = node_->db().processes(uid);
    ASSERT_FALSE(rows.empty());
    const store::ProcessRow row = *rows.back();
    close();
    kill_vmm(row);
  }
  bool await_ended(const std::string& uid) {
    return await([&] {
      return view(uid).live == Live::kEnded && view(uid).exit &&
             vmm_pid(uid) == 0 && !view(uid).running;
    });
  }
  StartRequest start_of(const std::string& uid) {
    StartRequest request;
    request.config = view(uid).record->config;
    request.sources = view(uid).record->sources;
    return request;
  }
  uint64_t disk_of(const std::string& uid) {
    struct stat disk{};
    EXPECT_EQ(::stat(first_generation(uid).disk(0).c_str(), &disk), 0);
    return disk.st_ino;
  }
  // vm-2, staged from a snapshot of vm-1.
  void stage_clone() {
    boot("vm-1");
    snapshot("vm-1", "snap-1");
    CloneRequest request = clone_of("snap-1");
    request.power = model::PowerState::kStopped;
    ASSERT_TRUE(run("vm-2", request).ok);
  }
};

TEST_P(NodeRecovery, ABootWhoseVmmEndedUnseenKeepsItsDisk) {
  run_and_die_both("vm-1", boot_request("vm-1"), "Boot/Run/Acted");
  const uint64_t disk = disk_of("vm-1");
  open();
  ASSERT_TRUE(await_ended("vm-1"));
  EXPECT_EQ(view("vm-1").exit->reason, "VmmKilled");
  EXPECT_TRUE(view("vm-1").record->first_booted);
  EXPECT_EQ(disk_of("vm-1"), disk);
  const Outcome outcome = run("vm-1", start_of("vm-1"));
  EXPECT_TRUE(outcome.ok) << outcome.message;
  EXPECT_EQ(disk_of("vm-1"), disk);
}

TEST_P(NodeRecovery, ABootWhoseGuestPoweredOffUnseenKeepsItsDisk) {
  run_and_die("vm-1", boot_request("vm-1"), "Boot/Run/Acted");
  const auto fault = first_generation("vm-1").file("fault.json");
  std::ofstream(fault.string() + ".new") << R"({"guest":"power-off"})";
  ASSERT_EQ(::chmod((fault.string() + ".new").c_str(), 0644), 0);
  std::filesystem::rename(fault.string() + ".new", fault);
  open();
  ASSERT_TRUE(await_ended("vm-1"));
  EXPECT_EQ(view("vm-1").exit->reason, "GuestPoweredOff");
  EXPECT_TRUE(std::filesystem::exists(first_generation("vm-1").disk(0)));
}

TEST_P(NodeRecovery, ABootThatNeverRanLeavesNothing) {
  run_and_die("vm-1", boot_request("vm-1"), "Boot/Run/Journalled");
  open();
  ASSERT_TRUE(await([&] { return left_of("vm-1").empty(); }));
  boot("vm-1");
}

TEST_P(NodeRecovery, ARestartWhoseVmmEndedUnseenIsOver) {
  boot("vm-1");
  RestartRequest restart;
  restart.attempt = 1;
  restart.config = view("vm-1").record->config;
  restart.sources = view("vm-1").record->sources;
  run_and_die_both("vm-1", restart, "Restart/Run/Acted");
  open();
  ASSERT_TRUE(await_ended("vm-1"));
  EXPECT_EQ(view("vm-1").record->restart_attempt_done, 1U);
}

// Else it would be asked for again, and cold-booted twice.
TEST_P(NodeRecovery, ABootSatisfiesItsRestartAttemptAllTheSame) {
  auto request = boot_request("vm-1");
  request.restart_attempt = 3;
  run_and_die("vm-1", request, "Boot/Run/Acted");
  open();
  EXPECT_EQ(view("vm-1").record->restart_attempt_done, 3U);
  ASSERT_TRUE(run("vm-1", StopRequest{seconds{0}}).ok);
  auto start = start_of("vm-1");
  start.restart_attempt = 4;
  run_and_die("vm-1", start, "Start/Run/Acted");
  open();
  EXPECT_EQ(view("vm-1").record->restart_attempt_done, 4U);
}

// Its disk is newer than the memory that it was to be loaded with.
TEST_P(NodeRecovery, AStagedCloneThatRanIsNeverLoadedAgain) {
  stage_clone();
  run_and_die_both("vm-2", start_of("vm-2"), "Clone/Resume/Acted");
  open();
  ASSERT_TRUE(await_ended("vm-2"));
  EXPECT_FALSE(view("vm-2").record->pending_load);
  const Outcome outcome = run("vm-2", start_of("vm-2"));
  ASSERT_TRUE(outcome.ok) << outcome.message;
  EXPECT_EQ(outcome.kind, Kind::kStart);
}

TEST_P(NodeRecovery, AStagedCloneThatRunsOnIsUp) {
  stage_clone();
  run_and_die("vm-2", start_of("vm-2"), "Clone/Resume/Acted");
  open();
  EXPECT_EQ(view("vm-2").live, Live::kRunning);
  EXPECT_FALSE(view("vm-2").record->pending_load);
}

TEST_P(NodeRecovery, AStagedCloneThatNeverRanIsLoadedAgain) {
  stage_clone();
  const std::string saved = mark_in("snap-1").nonce;
  run_and_die("vm-2", start_of("vm-2"), "Clone/Load/Acted");
  open();
  ASSERT_TRUE(await([&] { return !view("vm-2").running; }));
  ASSERT_TRUE(view("vm-2").record->pending_load);
  const Outcome outcome = run("vm-2", start_of("vm-2"));
  ASSERT_TRUE(outcome.ok) << outcome.message;
  EXPECT_EQ(outcome.kind, Kind::kClone);
  ASSERT_TRUE(await([&] {
    const auto last = run("vm-2", SnapshotRequest{"snap-2", "default", "s"});
    return last.reason != Reason::kNicSwapPending;
  }));
  EXPECT_EQ(mark_in("snap-2").nonce, saved);
}

// The record tells of a VMM that was started in another boot of the host than
// the restore that was cut off.
// Before the commit it is undone and uses up no attempt, so it is asked for
// again; from the commit on its successor finishes it.
TEST_P(NodeRecovery, ARestoreIsDoneOnceWhereverItsAgentDies) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  RestoreRequest restore;
  restore.snapshot_uid = "snap-1";
  size_t undone = 0, finished = 0;
  for (const char* place :
       {"Stage/Intent", "Stage/Acted", "Spawn/Acted", "Load/Journalled",
        "Load/Acted", "PauseOld/Acted", "Disarm/Acted", "Commit/Intent",
        "Commit/Journalled", "Switch/Acted", "Retire/Acted", "Retire/End"}) {
    SCOPED_TRACE(place);
    ++restore.attempt;
    const int old = vmm_pid("vm-1");
    run_and_die("vm-1", restore, std::string("Restore/") + place);
    open();
    EXPECT_EQ(view("vm-1").live, Live::kRunning);
    EXPECT_EQ(node_->db().processes("vm-1").size(), 1U);
    if (view("vm-1").record->restore_attempt_done == restore.attempt) {
      ++finished;
      EXPECT_NE(vmm_pid("vm-1"), old);
    } else {
      ++undone;
      EXPECT_EQ(view("vm-1").record->restore_attempt_done, restore.attempt - 1);
      EXPECT_EQ(vmm_pid("vm-1"), old);
      const Outcome again = run("vm-1", restore);
      ASSERT_TRUE(again.ok) << to_string(again.reason) << again.message;
    }
    const auto record = view("vm-1").record;
    EXPECT_EQ(record->restore_attempt_done, restore.attempt);
    EXPECT_EQ(record->restore->result, store::RestoreResult::kSucceeded);
    const int now = vmm_pid("vm-1");
    const Outcome more = run("vm-1", restore);
    EXPECT_TRUE(more.refused);
    EXPECT_EQ(more.reason, Reason::kAttemptUsed);
    EXPECT_EQ(vmm_pid("vm-1"), now);
  }
  EXPECT_EQ(undone, 8U);
  EXPECT_EQ(finished, 4U);
}

TEST_P(NodeRecovery, ARestoreComparesTheBootThatItBeganIn) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  const int pid = vmm_pid("vm-1");
  store::VmRecord old = *view("vm-1").record;
  old.boot_id = "a boot before";
  ASSERT_TRUE(node_->db().commit({old}));
  RestoreRequest restore;
  restore.snapshot_uid = "snap-1";
  restore.attempt = 1;
  run_and_die_both("vm-1", restore, "Restore/Commit/Journalled");
  open();
  EXPECT_EQ(view("vm-1").last->restore, store::RestoreResult::kRolledBack);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
  EXPECT_EQ(vmm_pid("vm-1"), pid);

  restore.attempt = 2;
  run_and_die("vm-1", restore, "Restore/Switch/Acted");
  open();
  EXPECT_EQ(view("vm-1").last->restore, store::RestoreResult::kSucceeded);
  EXPECT_EQ(view("vm-1").record->boot_id, *hypervisor::read_boot_id());
}

// No file can be opened any more: nothing says that its VMM is gone.
// For the thread that asks for it, as for a process out of descriptors.
bool let_pidfd_open_fail() {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EMFILE),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_P(NodeRecovery, WhatCannotBeAdoptedIsNotTakenForGone) {
  boot("vm-1");
  const int pid = vmm_pid("vm-1");
  close();
  const SystemClock clock;
  auto node = Node::open(options(), clock);
  ASSERT_TRUE(node);
  bool fails = false;
  Result<> adopted;
  std::thread([&] {
    fails = let_pidfd_open_fail();
    adopted = (*node)->engine().adopt();
  }).join();
  ASSERT_TRUE(fails);
  EXPECT_FALSE(adopted);
  node->reset();
  open();
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  EXPECT_EQ(view("vm-1").live, Live::kRunning);
}

// The gated child and its shim hold the generation until they have ended.
TEST_P(NodeRecovery, WhatNeverPassedItsGateIsWaitedFor) {
  fail_at("Boot/Spawn/Acted");
  for (int i = 0; i < 10; ++i) {
    const Outcome outcome = run("vm-1", boot_request("vm-1"));
    EXPECT_EQ(outcome.reason, Reason::kInterrupted) << outcome.message;
    ASSERT_THAT(left_of("vm-1"), testing::IsEmpty());
  }
}

// Somebody holds its lock: its files may not be removed.
TEST_P(NodeRecovery, AnUndoThatDidNotGetDoneIsDoneBeforeWhatFollows) {
  UniqueFd lock;
  fail_at("Boot/Run/Acted");
  meddle([&](const Failpoint& at) {
    if (name_of(at) != "Boot/Undo/Acted" || lock.valid()) return;
    lock.reset(::open(first_generation("vm-1").lock().c_str(), O_RDONLY));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  });
  EXPECT_FALSE(run("vm-1", boot_request("vm-1")).ok);
  EXPECT_THAT(left_of("vm-1"), testing::AllOf(testing::Contains("files"),
                                              testing::Contains("record")));
  const Outcome refused = run("vm-1", boot_request("vm-1"));
  EXPECT_TRUE(refused.refused);
  EXPECT_THAT(refused.message, testing::HasSubstr("is not undone yet"));
  fail_at("");
  meddle({});
  lock.reset();
  boot("vm-1");
  EXPECT_EQ(node_->db().running_operations().size(), 0U);
}

TEST_P(NodeRecovery, AnUndoThatDidNotGetDoneIsDoneByTheNextAgent) {
  UniqueFd lock;
  fail_at("Boot/Run/Acted");
  meddle([&](const Failpoint& at) {
    if (name_of(at) != "Boot/Undo/Acted" || lock.valid()) return;
    lock.reset(::open(first_generation("vm-1").lock().c_str(), O_RDONLY));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  });
  EXPECT_FALSE(run("vm-1", boot_request("vm-1")).ok);
  meddle({});
  lock.reset();
  close();
  open();
  ASSERT_TRUE(await([&] { return left_of("vm-1").empty(); }));
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeRecovery,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
