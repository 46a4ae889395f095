#include "src/hypervisor/probe.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "src/base/tree_hash.h"
#include "src/base/unique_fd.h"
#include "src/hypervisor/process_identity.h"
#include "src/hypervisor/version.h"

namespace chrysalis::hypervisor {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxOutput = 4096;
constexpr int kProgramFd = 3;

// What is hashed is what is run: both by this descriptor.
struct Program {
  UniqueFd fd;
  const fs::path& path;
};

Error in_program(Error error, const fs::path& path) {
  return with_context(std::move(error), path.native());
}

// Standard output to `out`; no input, no environment, no other descriptor.
Result<pid_t> spawn(const Program& program, int out, const char* flag) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  ::posix_spawn_file_actions_adddup2(&actions, 0, 2);
  ::posix_spawn_file_actions_adddup2(&actions, program.fd.get(), kProgramFd);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kProgramFd + 1);
  std::string name = program.path.filename().native();
  std::string word = flag;
  char* argv[] = {name.data(), word.data(), nullptr};
  char* env[] = {nullptr};
  const std::string self = "/proc/self/fd/" + std::to_string(kProgramFd);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, self.c_str(), &actions, nullptr, argv, env);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error == ENOEXEC || error == EACCES)
    return fail(Code::kInvalid, "it is no program this host can execute");
  if (error != 0) return tl::unexpected(from_errno(error, "run it"));
  return pid;
}

Result<std::string> read_until_closed(int fd, Mono deadline) {
  std::string out;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(
        deadline - std::chrono::steady_clock::now());
    struct pollfd entry = {fd, POLLIN, 0};
    const int ready = ::poll(
        &entry, 1,
        static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(Code::kTimeout, "it does not answer");
    char buffer[kMaxOutput];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(from_errno(errno, "read its answer"));
    if (got == 0) return out;
    out.append(buffer, static_cast<size_t>(got));
    if (out.size() > kMaxOutput)
      return fail(Code::kInvalid, "it says too much");
  }
}

// Our own child: its pid is its own until we reap it.
Result<int> reap(pid_t pid, bool answered, Mono deadline) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const bool ended = answered && wait_process(pidfd.get(), deadline);
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return fail(Code::kTimeout, "it does not end");
  return status;
}

Result<std::string> ask(const Program& program, const char* flag,
                        Mono deadline) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return tl::unexpected(from_errno(errno, "pipe"));
  const UniqueFd read(ends[0]);
  UniqueFd write(ends[1]);
  // Above the numbers it is given: dup2 onto itself would keep close-on-exec.
  write.reset(::fcntl(write.get(), F_DUPFD_CLOEXEC, 10));
  CHRYSALIS_ASSIGN(const pid_t pid, spawn(program, write.get(), flag));
  write.reset();
  auto output = read_until_closed(read.get(), deadline);
  const auto status = reap(pid, output.has_value(), deadline);
  if (!output) return output;
  if (!status) return tl::unexpected(status.error());
  if (!WIFEXITED(*status) || WEXITSTATUS(*status) != 0)
    return fail(Code::kInvalid, std::string(flag) + " failed");
  return output;
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

Result<Probed> run(model::Hypervisor kind, const Program& program,
                   Mono deadline) {
  Probed out;
  CHRYSALIS_ASSIGN(const std::string said, ask(program, "--version", deadline));
  CHRYSALIS_ASSIGN(out.said, parse_version_output(kind, said));
  const auto version = parse_version(out.said);
  if (!version) return fail(Code::kInvalid, "'" + out.said + "' is no version");
  out.version = *version;
  const Version oldest = capabilities(kind).minimum_to_run;
  if (out.version < oldest)
    return fail(Code::kUnsupported, "it is version " + out.said +
                                        ", the oldest supported is " +
                                        to_string(oldest));
  if (kind == model::Hypervisor::kFirecracker) {
    CHRYSALIS_ASSIGN(const std::string format,
                     ask(program, "--snapshot-version", deadline));
    out.snapshot_format = first_line(format).substr(0, 32);
  }
  return out;
}

}  // namespace

NestedState nested_state(const fs::path& kvm) {
  const UniqueFd fd(::open(kvm.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return NestedState::kUnknown;
  // The size of the state; 0: not at all; an error: this is no KVM.
  const int answer =
      ::ioctl(fd.get(), KVM_CHECK_EXTENSION, KVM_CAP_NESTED_STATE);
  if (answer < 0) return NestedState::kUnknown;
  return answer > 0 ? NestedState::kThere : NestedState::kMissing;
}

SnapshotSupport snapshot_support(model::Hypervisor kind, const Version& version,
                                 NestedState nested) {
  const Capabilities& can = capabilities(kind);
  if (version < can.minimum_to_snapshot)
    return SnapshotSupport::kBlockDrainMissing;
  if (can.needs_nested_state && nested != NestedState::kThere)
    return SnapshotSupport::kUntried;
  return SnapshotSupport::kYes;
}

Result<std::string> parse_version_output(model::Hypervisor kind,
                                         std::string_view output) {
  const std::string_view line = first_line(output);
  const auto space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string_view program = capabilities(kind).program;
  const bool same = std::ranges::equal(name, program, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
  });
  if (!same || space == std::string_view::npos)
    return fail(Code::kInvalid, "it is no " + std::string(program));
  std::string_view version = line.substr(space + 1);
  version = version.substr(0, version.find(' '));
  return std::string(version.substr(0, 64));
}

Result<Probed> Prober::probe(model::Hypervisor kind, const fs::path& path,
                             Mono deadline) {
  const auto probed = [&]() -> Result<Probed> {
    const Program program{
        UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)),
        path};
    if (!program.fd.valid())
      return tl::unexpected(from_errno(errno, "open it"));
    struct stat s = {};
    if (::fstat(program.fd.get(), &s) != 0)
      return tl::unexpected(from_errno(errno, "stat it"));
    if (!S_ISREG(s.st_mode))
      return fail(Code::kInvalid, "it is not a regular file");
    const FileKey key{path.native(), s.st_dev, s.st_ino,
                      static_cast<uint64_t>(s.st_size),
                      s.st_mtim.tv_sec * 1'000'000'000 + s.st_mtim.tv_nsec};
    const std::lock_guard lock(mutex_);
    auto hash = hashes_.find(key);
    if (hash == hashes_.end()) {
      CHRYSALIS_ASSIGN(std::string sha256, sha256_hex(program.fd.get(), path));
      hash = hashes_.emplace(key, std::move(sha256)).first;
    }
    const std::pair contents{kind, hash->second};
    if (const auto known = known_.find(contents); known != known_.end())
      return known->second;
    CHRYSALIS_ASSIGN(Probed fresh, run(kind, program, deadline));
    fresh.sha256 = hash->second;
    return known_.emplace(contents, std::move(fresh)).first->second;
  }();
  if (!probed) return tl::unexpected(in_program(probed.error(), path));
  return probed;
}

}  // namespace chrysalis::hypervisor
