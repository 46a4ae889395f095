// Gate, identity, lock, the end, and life without the agent.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/src/shim/shim_fixture.h"

namespace chrysalis::hypervisor {
namespace {

using testing::HasSubstr;

class Lifetime : public ShimTest {};

TEST_F(Lifetime, NothingRunsBeforeTheGateOpens) {
  auto launched = spawn(probe({"look"}));
  ASSERT_TRUE(launched) << launched.error().message;
  const auto exe = std::filesystem::read_symlink(
      "/proc/" + std::to_string(launched->ids().vmm.pid) + "/exe");
  EXPECT_EQ(exe.filename(), "chrysalis-shim");
  EXPECT_FALSE(std::filesystem::exists(generation_ / "look"));
  auto process = Launcher::open_gate(std::move(*launched), soon());
  ASSERT_TRUE(process) << process.error().message;
  auto record = process->wait_exit(files_.exit, soon());
  ASSERT_TRUE(record && *record);
  EXPECT_TRUE(std::filesystem::exists(generation_ / "look"));
}

TEST_F(Lifetime, ClosedGateMeansItNeverRan) {
  ProcessIds ids;
  {
    auto launched = spawn(probe({"look"}));
    ASSERT_TRUE(launched) << launched.error().message;
    ids = launched->ids();
    auto adopted = Launcher::adopt(ids);
    ASSERT_TRUE(adopted);
    *launched = Launched(VmmProcess({}, {}, {}), {}, {});  // closes the gate
    auto record = adopted->wait_exit(files_.exit, soon());
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->kind, ExitRecord::Kind::kNotStarted);
  }
  EXPECT_FALSE(std::filesystem::exists(generation_ / "look"));
  EXPECT_EQ(Launcher::adopt(ids).error().code, Code::kNotFound);
  EXPECT_FALSE(*generation_in_use(generation_));
}

TEST_F(Lifetime, ExitStatusAndSignalAreOnDisk) {
  auto record = finish(probe({"exit", "7"}));
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->kind, ExitRecord::Kind::kExited);
  EXPECT_EQ(record->code, 7);
  EXPECT_EQ(record->boot_id, *read_boot_id());

  auto process = run(probe({"stay"}));
  ASSERT_TRUE(process) << process.error().message;
  ASSERT_TRUE(process->kill());
  auto killed = process->wait_exit(files_.exit, soon());
  ASSERT_TRUE(killed && *killed);
  EXPECT_EQ((*killed)->kind, ExitRecord::Kind::kKilled);
  EXPECT_EQ((*killed)->signal, SIGKILL);
  EXPECT_EQ((*killed)->vmm, process->ids().vmm);
  EXPECT_EQ(process->kill().error().code, Code::kNotFound);
}

TEST_F(Lifetime, TerminateReachesTheVmm) {
  auto process = run(probe({"stay"}));
  ASSERT_TRUE(process) << process.error().message;
  ASSERT_TRUE(process->terminate());
  auto record = process->wait_exit(files_.exit, soon());
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->signal, SIGTERM);
}

TEST_F(Lifetime, ProgramThatCannotRunIsTyped) {
  auto spec = probe({"look"});
  spec.binary = root_ / "text";
  std::ofstream(spec.binary) << "not a program";
  std::filesystem::permissions(spec.binary, std::filesystem::perms(0755));
  auto process = run(spec);
  ASSERT_FALSE(process);
  EXPECT_EQ(process.error().code, Code::kInvalid);
  EXPECT_THAT(process.error().message, HasSubstr("execute the program"));
}

TEST_F(Lifetime, LockIsHeldUntilTheVmmIsDead) {
  EXPECT_FALSE(*generation_in_use(generation_));
  auto process = run(probe({"stay"}));
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_TRUE(*generation_in_use(generation_));
  auto second = spawn(probe({"stay"}));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kConflict);
  ASSERT_TRUE(process->kill());
  ASSERT_TRUE(process->wait_exit(files_.exit, soon()));
  EXPECT_FALSE(*generation_in_use(generation_));
}

TEST_F(Lifetime, LostShimLeavesTheVmmAndItsLock) {
  auto process = run(probe({"stay"}));
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_FALSE(process->shim_lost());
  auto shim = open_process(process->ids().shim);
  ASSERT_TRUE(shim);
  ASSERT_TRUE(signal_process(shim->get(), SIGKILL));
  ASSERT_TRUE(wait_process(shim->get(), soon()));
  EXPECT_FALSE(process->ended());
  EXPECT_TRUE(process->shim_lost());
  EXPECT_TRUE(*generation_in_use(generation_));
  auto adopted = Launcher::adopt(process->ids());
  ASSERT_TRUE(adopted) << adopted.error().message;
  EXPECT_TRUE(adopted->shim_lost());
  ASSERT_TRUE(adopted->kill());
  auto record = adopted->wait_exit(files_.exit, soon());
  ASSERT_TRUE(record);
  EXPECT_FALSE(*record) << "nobody could have written it";
}

// An agent of its own: spawns, tells the ids, and dies by SIGKILL, before or
// after it opened the gate.
ProcessIds agent_that_dies(const LaunchSpec& spec, bool opens_gate) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const pid_t agent = ::fork();
  if (agent == 0) {
    auto launched = Launcher(CHRYSALIS_SHIM).spawn(spec, soon());
    if (!launched) ::_exit(1);
    const ProcessIds& ids = launched->ids();
    const ProcessIdentity both[2] = {ids.shim, ids.vmm};
    if (opens_gate && !Launcher::open_gate(std::move(*launched), soon()))
      ::_exit(2);
    if (::write(ends[1], both, sizeof both) != sizeof both) ::_exit(3);
    ::kill(::getpid(), SIGKILL);
  }
  ::close(ends[1]);
  ProcessIdentity both[2];
  EXPECT_EQ(::read(ends[0], both, sizeof both), ssize_t{sizeof both});
  ::close(ends[0]);
  int status = 0;
  ::waitpid(agent, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  return {both[0], both[1], *read_boot_id()};
}

TEST_F(Lifetime, AgentKilledLeavesBothAndIsSucceeded) {
  const ProcessIds ids = agent_that_dies(probe({"stay"}), true);
  launched_.push_back(ids);
  auto process = Launcher::adopt(ids);
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_FALSE(process->ended());
  EXPECT_FALSE(process->shim_lost());
  ASSERT_TRUE(process->kill());
  auto record = process->wait_exit(files_.exit, soon());
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->signal, SIGKILL);
}

TEST_F(Lifetime, AgentKilledBeforeTheGateMeansItNeverRan) {
  const ProcessIds ids = agent_that_dies(probe({"look"}), false);
  auto vmm = open_process(ids.vmm);
  if (vmm) {
    ASSERT_TRUE(wait_process(vmm->get(), soon()));
  }
  auto shim = open_process(ids.shim);
  if (shim) {
    ASSERT_TRUE(wait_process(shim->get(), soon()));
  }
  auto record = read_exit(files_.exit);
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->kind, ExitRecord::Kind::kNotStarted);
  EXPECT_FALSE(std::filesystem::exists(generation_ / "look"));
}

TEST_F(Lifetime, AdoptTakesNobodyElse) {
  auto process = run(probe({"stay"}));
  ASSERT_TRUE(process) << process.error().message;
  ProcessIds other = process->ids();
  ++other.vmm.start;
  EXPECT_EQ(Launcher::adopt(other).error().code, Code::kNotFound);
  other = process->ids();
  other.boot_id = "another boot";
  EXPECT_EQ(Launcher::adopt(other).error().code, Code::kNotFound);
}

TEST_F(Lifetime, LogIsBounded) {
  auto record = finish(probe({"spam", "20000000"}));
  ASSERT_TRUE(record) << record.error().message;
  // Whatever came between two looks, the last look was at the end.
  EXPECT_LE(std::filesystem::file_size(files_.log), kLogLimit);
  EXPECT_LE(std::filesystem::file_size(root_ / "gen-1.log.1"), kLogLimit);
  EXPECT_GT(std::filesystem::file_size(root_ / "gen-1.log.1"), 0);
}

TEST_F(Lifetime, EventsAreBoundedAndOfOneVmmOnly) {
  auto spec = probe({"events", "20000000"});
  spec.files.events = root_ / "gen-1.events";
  auto record = finish(spec);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->code, 0);
  EXPECT_LE(std::filesystem::file_size(spec.files.events), kLogLimit);
  EXPECT_GT(std::filesystem::file_size(root_ / "gen-1.events.1"), 0);
  std::ofstream(spec.files.events) << "of a former VMM";
  spec.argv = {"probe", "events", "4096"};
  ASSERT_TRUE(finish(spec));
  EXPECT_EQ(slurp(spec.files.events), std::string(4096, 'x'));
}

TEST_F(Lifetime, SerialSocketIsDrainedAndBounded) {
  auto spec = probe({"serial", "20000000"});
  spec.serial_socket = "serial.sock";
  auto record = finish(spec);
  ASSERT_TRUE(record) << record.error().message;
  EXPECT_EQ(record->code, 0);
  EXPECT_LE(std::filesystem::file_size(files_.console), kLogLimit);
  EXPECT_GT(std::filesystem::file_size(root_ / "gen-1.console.1"), 0);
}

// The kernel gives a user 128 of them: as many VMs would be a node's last.
TEST_F(Lifetime, NoInotifyInstanceIsHeld) {
  auto spec = probe({"serial", "20000000"});
  spec.serial_socket = "serial.sock";
  auto launched = spawn(spec);
  ASSERT_TRUE(launched) << launched.error().message;
  const std::string shim = std::to_string(launched->ids().shim.pid);
  for (const auto& fd :
       std::filesystem::directory_iterator("/proc/" + shim + "/fd"))
    EXPECT_NE(std::filesystem::read_symlink(fd), "anon_inode:inotify");
}

TEST_F(Lifetime, InputComesThroughTheFifo) {
  auto spec = probe({"echo"});
  spec.files.stdin_fifo = root_ / "gen-1.stdin";
  auto process = run(spec);
  ASSERT_TRUE(process) << process.error().message;
  const UniqueFd input(
      ::open(spec.files.stdin_fifo.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(input.get(), "hello\n", 6), 6);
  ASSERT_TRUE(process->wait_exit(files_.exit, soon()));
  EXPECT_EQ(slurp(generation_ / "echo"), "hello\n");
}

TEST(StartTime, IsField22WhateverTheNameHolds) {
  const std::string rest =
      " S 1 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 987654 1000 1 18";
  EXPECT_EQ(*parse_start_time("12 (a b) c)" + rest), 987654U);
  EXPECT_EQ(*parse_start_time("12 (x)\n)" + rest), 987654U);
  EXPECT_EQ(parse_start_time("12 (x) S 1").error().code, Code::kCorrupt);
  EXPECT_EQ(parse_start_time("").error().code, Code::kCorrupt);
  EXPECT_TRUE(read_start_time(::getpid()));
}

}  // namespace
}  // namespace chrysalis::hypervisor
