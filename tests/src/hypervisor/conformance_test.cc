// What the engine relies on, of every backend against every program there is:
// the simulated ones always, the real ones where CHRYSALIS_CLOUD_HYPERVISOR and
// CHRYSALIS_FIRECRACKER name them and /dev/kvm opens. Needs root (a mount and
// a network namespace each); skips loudly without.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "src/base/unique_fd.h"
#include "src/hypervisor/events.h"
#include "src/hypervisor/guest_view.h"
#include "src/hypervisor/registry.h"
#include "src/hypervisor/shim_protocol.h"
#include "src/hypervisor/version.h"
#include "tests/src/hypervisor/golden.h"

namespace chrysalis::hypervisor {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEvents = "events";

struct Program {
  const char* name;
  model::Hypervisor kind;
  bool real;
};
void PrintTo(const Program& p, std::ostream* out) { *out << p.name; }

std::string binary_of(const Program& program) {
  const bool ch = program.kind == model::Hypervisor::kCloudHypervisor;
  if (!program.real)
    return std::string(CHRYSALIS_BINARY_DIR) + "/simulated/" +
           std::string(capabilities(program.kind).program);
  const char* path =
      std::getenv(ch ? "CHRYSALIS_CLOUD_HYPERVISOR" : "CHRYSALIS_FIRECRACKER");
  return path == nullptr ? "" : path;
}

Mono soon() { return Mono::clock::now() + seconds{30}; }

// In the child: `generation` as the guest's directory, TAPs of its own.
[[noreturn]] void become_vmm(const std::string& binary, const fs::path& dir,
                             const std::vector<std::string>& argv) {
  const std::string guest(kGuestDir);
  bool ok = ::unshare(CLONE_NEWNS | CLONE_NEWNET) == 0;
  ok = ok && ::mount("", "/", "", MS_REC | MS_SLAVE, nullptr) == 0;
  const int kept = ::open(dir.c_str(), O_PATH | O_CLOEXEC);
  ok = ok && ::mount("run", "/run", "tmpfs", 0, "mode=755") == 0;
  ok = ok && ::mkdir("/run/chrysalis", 0755) == 0;
  ok = ok && ::mkdir(guest.c_str(), 0755) == 0;
  const std::string from = "/proc/self/fd/" + std::to_string(kept);
  ok = ok && ::mount(from.c_str(), guest.c_str(), "", MS_BIND, nullptr) == 0;
  for (const char* tap : {"tap0", "tap1"}) {
    const std::string name(tap);
    ok = ok && std::system(("ip tuntap add mode tap name " + name +
                            " vnet_hdr && ip link set " + name + " up mtu 1450")
                               .c_str()) == 0;
  }
  std::vector<char*> words;
  for (const std::string& word : argv)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int console =
      ::open((dir / "console").c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(console, 1);
  ::dup2(console, 2);
  ::dup2(::open((dir / kEvents).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600),
         kVmmEventsFd);
  if (ok) ::execv(binary.c_str(), words.data());
  ::_exit(99);
}

// One VMM process on one generation directory.
class Process {
 public:
  Process(const Backend& backend, const std::string& binary, fs::path dir)
      : dir_(std::move(dir)) {
    const auto argv = backend.argv();
    pid_ = ::fork();
    if (pid_ == 0) become_vmm(binary, dir_, argv);
    pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    vmm_ = {dir_ / kApiSocket, pidfd_.get()};
  }
  ~Process() {
    if (!ended_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool ends() {
    pollfd entry{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, 30'000) != 1) return false;
    ended_ = true;
    return ::waitpid(pid_, nullptr, 0) == pid_;
  }
  [[nodiscard]] const Vmm& vmm() const { return vmm_; }
  [[nodiscard]] const fs::path& dir() const { return dir_; }

 private:
  fs::path dir_;
  pid_t pid_ = -1;
  bool ended_ = false;
  UniqueFd pidfd_;
  Vmm vmm_;
};

class BackendConformance : public testing::TestWithParam<Program> {
 protected:
  void SetUp() override {
    binary_ = binary_of(GetParam());
    if (::geteuid() != 0) GTEST_SKIP() << "NOT TESTED: needs root";
    if (binary_.empty())
      GTEST_SKIP() << "NOT TESTED: no real program is named for "
                   << GetParam().name;
    if (GetParam().real && ::access("/dev/kvm", R_OK | W_OK) != 0)
      GTEST_SKIP() << "NOT TESTED: /dev/kvm does not open";
    std::string dir = testing::TempDir() + "vmmXXXXXX";
    root_ = ::mkdtemp(dir.data());
    backend_ = make_backend(GetParam().kind);
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }

  fs::path generation(int n) {
    fs::path dir = root_ / ("gen-" + std::to_string(n));
    fs::create_directory(dir);
    fs::copy_file(std::string(CHRYSALIS_BINARY_DIR) + "/guests/tick32.elf",
                  dir / kKernel);
    std::ofstream(dir / "disk0").flush();
    fs::resize_file(dir / "disk0", uint64_t{16} << 20);
    return dir;
  }
  std::unique_ptr<Process> start(const fs::path& dir) {
    auto process = std::make_unique<Process>(*backend_, binary_, dir);
    const auto version = backend_->ready(process->vmm(), soon());
    EXPECT_TRUE(version) << version.error().message;
    const Version found =
        parse_version(version.value_or("")).value_or(Version{});
    EXPECT_GE(found, capabilities(GetParam().kind).minimum_to_run);
    return process;
  }
  std::unique_ptr<Process> booted(int n) {
    auto process = start(generation(n));
    const auto done = backend_->boot(process->vmm(), spec());
    EXPECT_TRUE(done) << done.error().message;
    return process;
  }
  // A dump of `process` moved into a fresh generation.
  fs::path dumped(const Process& process, int n) {
    fs::create_directory(process.dir() / "dump-1");
    const auto done = backend_->dump(process.vmm(), "dump-1");
    EXPECT_TRUE(done) << done.error().message;
    fs::path dir = generation(n);
    for (const auto name : dump_files(GetParam().kind).names)
      if (!name.empty())
        fs::rename(process.dir() / "dump-1" / name, dir / name);
    return dir;
  }
  static BootSpec spec() {
    BootSpec out = a_boot();
    out.config.cpu = 1;
    return out;
  }
  LoadSpec load_spec(const char* tap) const {
    LoadSpec out = a_load();
    out.config.cpu = 1;
    out.saved_nics[0].tap = tap;
    return out;
  }
  [[nodiscard]] bool is_ch() const {
    return GetParam().kind == model::Hypervisor::kCloudHypervisor;
  }
  VmmState state(const Process& process) {
    const auto now = backend_->state(process.vmm());
    EXPECT_TRUE(now) << now.error().message;
    return now.value_or(VmmState::kNotStarted);
  }
  // RAM that no guest of ours touches: what is written into a dump's file is
  // in the next dump only if the VM was really loaded from it.
  [[nodiscard]] fs::path memory(const fs::path& dir) const {
    return dir / dump_files(GetParam().kind).memory;
  }
  void mark(const fs::path& dir) const {
    std::fstream file(memory(dir),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(0x300000) << kMark;
  }
  [[nodiscard]] std::string mark_of(const fs::path& dir) const {
    std::ifstream file(memory(dir), std::ios::binary);
    std::string out(kMark.size(), '\0');
    file.seekg(0x300000).read(out.data(),
                              static_cast<std::streamsize>(out.size()));
    return out;
  }
  inline static const std::string kMark = "carried by the dump";

  std::string binary_;
  fs::path root_;
  std::unique_ptr<Backend> backend_;
};

TEST_P(BackendConformance, BootsPausesAndResumesRepeatably) {
  const auto process = start(generation(1));
  EXPECT_EQ(state(*process), VmmState::kNotStarted);
  ASSERT_TRUE(backend_->boot(process->vmm(), spec()));
  EXPECT_EQ(state(*process), VmmState::kRunning);
  for (int i = 0; i < 2; ++i) {
    const auto done = backend_->pause(process->vmm());
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_EQ(state(*process), VmmState::kPaused);
  for (int i = 0; i < 2; ++i) {
    const auto done = backend_->resume(process->vmm());
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_EQ(state(*process), VmmState::kRunning);
  const auto read = backend_->read_back(process->vmm(), {});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->topology.cpu, 1U);
  EXPECT_EQ(read->topology.memory, spec().config.memory);
  ASSERT_EQ(read->topology.nics.size(), 1U);
  EXPECT_EQ(read->topology.nics[0].mac, "02:00:00:00:00:01");
}

TEST_P(BackendConformance, ARunningGuestIsNotDumped) {
  const auto process = booted(1);
  fs::create_directory(process->dir() / "dump-1");
  const auto done = backend_->dump(process->vmm(), "dump-1");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kConflict) << done.error().message;
  EXPECT_EQ(state(*process), VmmState::kRunning);
}

TEST_P(BackendConformance, ADumpIsLoadedPausedBesideItsSource) {
  const auto source = booted(1);
  ASSERT_TRUE(backend_->pause(source->vmm()));
  const fs::path dir = dumped(*source, 2);
  ASSERT_FALSE(HasFailure());
  mark(dir);
  const LoadSpec wanted = load_spec("tap1");
  const auto prepared = backend_->prepare_load(dir, wanted);
  ASSERT_TRUE(prepared) << prepared.error().message;

  const auto loaded = start(dir);
  const auto done = backend_->load(loaded->vmm(), wanted);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->ejecting.empty());
  EXPECT_EQ(state(*loaded), VmmState::kPaused);
  const auto read = backend_->read_back(loaded->vmm(), dir);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->topology.cpu, 1U);
  EXPECT_EQ(read->topology.nics.at(0).mac, "02:00:00:00:00:01");
  EXPECT_EQ(read->topology.nics.at(0).mtu, 1450);
  EXPECT_EQ(read->topology.disks.at(0).bytes.count,
            is_ch() ? uint64_t{16} << 20 : 0);

  // Both go on, and the loaded one has the dump's RAM.
  ASSERT_TRUE(backend_->resume(loaded->vmm()));
  ASSERT_TRUE(backend_->resume(source->vmm()));
  ASSERT_TRUE(backend_->pause(loaded->vmm()));
  EXPECT_EQ(mark_of(dumped(*loaded, 3)), kMark);
}

TEST_P(BackendConformance, TheFilesTellTheTopologyOrSaySo) {
  const auto process = booted(1);
  ASSERT_TRUE(backend_->pause(process->vmm()));
  const fs::path dir = dumped(*process, 2);
  const auto read = backend_->read_topology(dir);
  if (!capabilities(GetParam().kind).topology_in_files) {
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::kUnsupported);
    return;
  }
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->topology.memory, spec().config.memory);
  fs::resize_file(dir / kChMemory, 4096);
  EXPECT_EQ(backend_->read_topology(dir).error().code, Code::kCorrupt);
}

TEST_P(BackendConformance, NicsAreSwappedWhereTheyCanBe) {
  const auto source = booted(1);
  ASSERT_TRUE(backend_->pause(source->vmm()));
  const fs::path dir = dumped(*source, 2);
  LoadSpec wanted = load_spec("tap0");
  wanted.fresh_nics = {
      {fresh_nic_id("1c919d6a-4af9", 7, 0), "tap1", "02:00:00:00:00:02", 1450}};
  wanted.config.queue_size = 256;
  ASSERT_TRUE(backend_->prepare_load(dir, wanted));
  const auto loaded = start(dir);
  const auto done = backend_->load(loaded->vmm(), wanted);
  if (!capabilities(GetParam().kind).swaps_nics) {
    EXPECT_EQ(done.error().code, Code::kUnsupported);
    return;
  }
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_THAT(done->ejecting, testing::ElementsAre("net0"));
  ASSERT_TRUE(backend_->resume(loaded->vmm()));
  const auto read = backend_->read_back(loaded->vmm(), dir);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->topology.nics.size(), 1U);
  EXPECT_EQ(read->topology.nics[0].id, "n1c919d6a-7-0");
  EXPECT_EQ(read->topology.nics[0].mac, "02:00:00:00:00:02");
  EXPECT_EQ(read->topology.nics[0].queue_size, 256U);
  // tick32 never ejects: a dump now is the broken one, and is seen as such.
  ASSERT_TRUE(backend_->pause(loaded->vmm()));
  const fs::path broken = dumped(*loaded, 3);
  EXPECT_EQ(backend_->read_topology(broken).error().code, Code::kConflict);
}

TEST_P(BackendConformance, AFailedLoadIsRefusedAndMayBeFatal) {
  const auto source = booted(1);
  ASSERT_TRUE(backend_->pause(source->vmm()));
  const fs::path dir = dumped(*source, 2);
  const LoadSpec wanted = load_spec("tap1");
  ASSERT_TRUE(backend_->prepare_load(dir, wanted));
  fs::resize_file(dir / (is_ch() ? kChState : kFcState), 100);
  const auto loaded = start(dir);
  EXPECT_FALSE(backend_->load(loaded->vmm(), wanted));
  if (capabilities(GetParam().kind).load_failure_is_fatal)
    EXPECT_TRUE(loaded->ends());
  else
    EXPECT_EQ(state(*loaded), VmmState::kNotStarted);
}

TEST_P(BackendConformance, ABootWithoutAKernelIsRefused) {
  const fs::path dir = generation(1);
  fs::remove(dir / kKernel);
  const auto process = start(dir);
  const auto done = backend_->boot(process->vmm(), spec());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kInvalid) << done.error().message;
}

TEST_P(BackendConformance, EventsTellOfBootAndPause) {
  if (!capabilities(GetParam().kind).event_file) return;
  const auto process = booted(1);
  auto tail = EventTail::open(process->dir() / kEvents);
  ASSERT_TRUE(tail);
  ASSERT_TRUE(backend_->pause(process->vmm()));
  std::vector<VmmEvent> seen;
  const VmmEvent paused{VmmEvent::Kind::kPaused, ""};
  while (std::find(seen.begin(), seen.end(), paused) == seen.end()) {
    const auto more = tail->wait(soon());
    ASSERT_TRUE(more) << more.error().message;
    seen.insert(seen.end(), more->begin(), more->end());
  }
  EXPECT_THAT(seen, testing::Contains(VmmEvent{VmmEvent::Kind::kBooted, ""}));
}

// The real guest triple-faults in its first instruction, for ever: tick32 with
// `ud2` at its entry. The simulated one is told to, once.
TEST_P(BackendConformance, AGuestThatRebootsInsideIsTold) {
  if (!capabilities(GetParam().kind).reboots_inside) return;
  const fs::path dir = generation(1);
  if (GetParam().real) {
    std::fstream kernel(dir / kKernel,
                        std::ios::in | std::ios::out | std::ios::binary);
    constexpr std::streamoff kEntry = 0xc4;  // of its only PT_LOAD
    kernel.seekp(kEntry) << "\x0f\x0b";
  } else {
    std::ofstream(dir / "fault.json") << R"({"guest":"reboot!1"})";
  }
  const auto process = start(dir);
  ASSERT_TRUE(backend_->boot(process->vmm(), spec()));
  auto tail = EventTail::open(process->dir() / kEvents);
  ASSERT_TRUE(tail);
  std::vector<VmmEvent> seen;
  const VmmEvent rebooted{VmmEvent::Kind::kRebooted, ""};
  while (std::find(seen.begin(), seen.end(), rebooted) == seen.end()) {
    const auto more = tail->wait(soon());
    ASSERT_TRUE(more) << more.error().message;
    seen.insert(seen.end(), more->begin(), more->end());
  }
  EXPECT_EQ(state(*process), VmmState::kRunning);
}

TEST_P(BackendConformance, ShutsDownWhereTheApiCan) {
  const auto process = booted(1);
  const auto done = backend_->shut_down(process->vmm());
  if (!capabilities(GetParam().kind).api_shutdown) {
    EXPECT_EQ(done.error().code, Code::kUnsupported);
    return;
  }
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(process->ends());
}

TEST_P(BackendConformance, AnEarlyDeathEndsTheWait) {
  const fs::path dir = root_ / "gen-1";
  fs::create_directory(dir);
  const Process process(*backend_, "/bin/false", dir);
  const auto version = backend_->ready(process.vmm(), soon());
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().code, Code::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(
    Programs, BackendConformance,
    testing::Values(
        Program{"SimulatedCloudHypervisor", model::Hypervisor::kCloudHypervisor,
                false},
        Program{"SimulatedFirecracker", model::Hypervisor::kFirecracker, false},
        Program{"RealCloudHypervisor", model::Hypervisor::kCloudHypervisor,
                true},
        Program{"RealFirecracker", model::Hypervisor::kFirecracker, true}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace chrysalis::hypervisor
