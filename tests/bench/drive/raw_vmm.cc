#include "tests/bench/drive/raw_vmm.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "src/hypervisor/guest_view.h"

namespace chrysalis::bench {
namespace {

constexpr seconds kWithin{20};

// All that the child needs, as it may not allocate: this process has threads.
struct ChildPlan {
  std::string binary, directory, netns, console, guest;
  std::vector<std::string> words;
  std::vector<char*> argv;
  int gate = -1, ready = -1;
};

[[noreturn]] void become_vmm(const ChildPlan& plan) {
  const int ns = ::open(plan.netns.c_str(), O_RDONLY | O_CLOEXEC);
  bool ok = ::setns(ns, CLONE_NEWNET) == 0 && ::unshare(CLONE_NEWNS) == 0;
  ok = ok && ::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) == 0;
  ok = ok && ::mount("run", "/run", "tmpfs", 0, "mode=755") == 0;
  ok = ok && ::mkdir("/run/chrysalis", 0755) == 0;
  ok = ok && ::mkdir(plan.guest.c_str(), 0755) == 0;
  ok = ok && ::mount(plan.directory.c_str(), plan.guest.c_str(), "", MS_BIND,
                     nullptr) == 0;
  const int console = ::open(plan.console.c_str(),
                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
  ::dup2(console, 1);
  ::dup2(console, 2);
  char byte = ok ? 'y' : 'n';
  if (::write(plan.ready, &byte, 1) != 1 || !ok) ::_exit(98);
  if (::read(plan.gate, &byte, 1) != 1) ::_exit(97);
  ::execv(plan.binary.c_str(), plan.argv.data());
  ::_exit(99);
}

ChildPlan plan_of(const hypervisor::Backend& backend, const RawSpec& spec) {
  ChildPlan plan{.binary = spec.binary,
                 .directory = spec.directory,
                 .netns = spec.netns,
                 .console = spec.directory.string() + ".console",
                 .guest = std::string(hypervisor::kGuestDir),
                 .words = backend.argv(),
                 .argv = {}};
  for (std::string& word : plan.words) plan.argv.push_back(word.data());
  plan.argv.push_back(nullptr);
  return plan;
}

Result<std::pair<UniqueFd, UniqueFd>> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return tl::unexpected(from_errno(errno, "pipe"));
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

bool listens(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(socket.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof address) == 0;
}

}  // namespace

Result<std::unique_ptr<RawVmm>> RawVmm::hold(const hypervisor::Backend& backend,
                                             const RawSpec& spec) {
  CHRYSALIS_ASSIGN(auto gate, make_pipe());
  CHRYSALIS_ASSIGN(auto ready, make_pipe());
  ChildPlan plan = plan_of(backend, spec);
  plan.gate = gate.first.get();
  plan.ready = ready.second.get();
  std::unique_ptr<RawVmm> out(new RawVmm);
  out->pid_ = ::fork();
  if (out->pid_ == 0) become_vmm(plan);
  if (out->pid_ < 0) return tl::unexpected(from_errno(errno, "fork"));
  ready.second.reset();
  out->gate_ = std::move(gate.second);
  out->pidfd_ =
      UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, out->pid_, 0)));
  out->vmm_ = {spec.directory / hypervisor::kApiSocket, out->pidfd_.get()};
  pollfd entry{.fd = ready.first.get(), .events = POLLIN, .revents = 0};
  char byte = 0;
  if (::poll(&entry, 1, static_cast<int>(milliseconds(kWithin).count())) != 1 ||
      ::read(ready.first.get(), &byte, 1) != 1 || byte != 'y')
    return fail(Code::kUnavailable,
                "a raw VMM's namespaces: " + spec.netns.string());
  return out;
}

RawVmm::~RawVmm() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Result<> RawVmm::run() {
  if (::write(gate_.get(), "g", 1) != 1)
    return tl::unexpected(from_errno(errno, "the gate of a raw VMM"));
  const Mono deadline = Mono::clock::now() + kWithin;
  while (!listens(vmm_.socket)) {
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&ended, 1, 0) != 0)
      return fail(Code::kUnavailable, "a raw VMM ended at once");
    if (Mono::clock::now() > deadline)
      return fail(Code::kTimeout, "a raw VMM does not listen");
    ::sched_yield();
  }
  return {};
}

}  // namespace chrysalis::bench
