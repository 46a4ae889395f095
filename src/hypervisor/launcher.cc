#include "src/hypervisor/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "src/hypervisor/shim_protocol.h"

namespace chrysalis::hypervisor {
namespace {

void add(std::string& block, std::string_view key, std::string_view value) {
  block.append(key).append("=").append(value).push_back('\0');
}

Result<std::string> config_block(const LaunchSpec& spec) {
  std::string block;
  add(block, "binary", spec.binary.native());
  add(block, "generation", spec.generation.native());
  add(block, "uid", std::to_string(spec.unix_uid));
  if (spec.shared_gid != 0) add(block, "gid", std::to_string(spec.shared_gid));
  if (!spec.netns.empty()) add(block, "netns", spec.netns.native());
  if (!spec.cgroup.empty()) add(block, "cgroup", spec.cgroup.native());
  if (spec.join_host_mounts) add(block, "hostmounts", "1");
  add(block, "exit", spec.files.exit.native());
  add(block, "log", spec.files.log.native());
  if (!spec.files.stdin_fifo.empty())
    add(block, "stdin", spec.files.stdin_fifo.native());
  if (!spec.files.events.empty())
    add(block, "events", spec.files.events.native());
  if (spec.keep_old_root) add(block, "oldroot", "1");
  if (!spec.api_socket.empty() && !spec.resume_request.empty()) {
    add(block, "guard", spec.files.socket.native());
    add(block, "api", spec.api_socket);
    add(block, "resume", spec.resume_request);
  }
  if (!spec.serial_socket.empty()) {
    add(block, "serial", spec.serial_socket);
    add(block, "console", spec.files.console.native());
  }
  for (const std::string& value : spec.argv) add(block, "arg", value);
  for (const std::string& value : spec.env) add(block, "env", value);
  if (block.size() >= kShimConfigLimit)
    return fail(Code::kInvalid, "the command line is too long");
  return block;
}

// Every file that the spec has a use for.
Result<void> check(const LaunchSpec& spec, const ShimFiles& files) {
  const bool guarded = !spec.api_socket.empty() && !spec.resume_request.empty();
  const bool drained = !spec.serial_socket.empty();
  if (!files.exit.is_absolute() || !files.log.is_absolute() ||
      (guarded && !files.socket.is_absolute()) ||
      (drained && !files.console.is_absolute()) ||
      (!files.stdin_fifo.empty() && !files.stdin_fifo.is_absolute()) ||
      (!files.events.empty() && !files.events.is_absolute()))
    return fail(Code::kInvalid, "the shim's files must be absolute");
  return {};
}

Result<void> check(const LaunchSpec& spec) {
  if (::geteuid() != 0)
    return fail(Code::kUnsupported, "confining a VMM needs root");
  if (spec.unix_uid == 0)
    return fail(Code::kInvalid, "a VM may not run as root");
  if (spec.argv.empty()) return fail(Code::kInvalid, "no argv");
  if (!spec.binary.is_absolute() || !spec.generation.is_absolute())
    return fail(Code::kInvalid, "program and generation must be absolute");
  CHRYSALIS_TRY(check(spec, spec.files));
  for (const auto* list : {&spec.argv, &spec.env})
    for (const std::string& value : *list)
      if (value.find('\0') != std::string::npos)
        return fail(Code::kInvalid, "a zero byte in an argument");
  return {};
}

Result<UniqueFd> as_file(const std::string& block) {
  UniqueFd file(::memfd_create("chrysalis-shim", MFD_CLOEXEC));
  if (!file.valid()) return tl::unexpected(from_errno(errno, "memfd"));
  if (::pwrite(file.get(), block.data(), block.size(), 0) !=
      static_cast<ssize_t>(block.size()))
    return tl::unexpected(from_errno(errno, "memfd"));
  return file;
}

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return tl::unexpected(from_errno(errno, "pipe"));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// The starter, with /dev/null, the three descriptors and nothing else.
Result<pid_t> exec_shim(const std::string& program, int config, int gate,
                        int report) {
  // dup2 onto itself would leave close-on-exec set, and onto a source not yet
  // moved would lose it: first away from the low numbers.
  UniqueFd high[3];
  const int from[3] = {config, gate, report};
  for (int i = 0; i < 3; ++i) {
    high[i].reset(::fcntl(from[i], F_DUPFD_CLOEXEC, 10));
    if (!high[i].valid()) return tl::unexpected(from_errno(errno, "dup"));
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 0, 1);
  ::posix_spawn_file_actions_adddup2(&actions, 0, 2);
  ::posix_spawn_file_actions_adddup2(&actions, high[0].get(), kShimConfigFd);
  ::posix_spawn_file_actions_adddup2(&actions, high[1].get(), kShimGateFd);
  ::posix_spawn_file_actions_adddup2(&actions, high[2].get(), kShimReportFd);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kShimReportFd + 1);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char name[] = "chrysalis-shim";
  char* argv[] = {name, nullptr};
  char* env[] = {nullptr};
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, program.c_str(), &actions, &attributes, argv, env);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return tl::unexpected(from_errno(error, program));
  return pid;
}

// Our own child: its pid is its own until we reap it.
Result<void> reap_starter(pid_t pid, Mono deadline) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  Result<void> waited = wait_process(pidfd.get(), deadline);
  if (!waited) (void)signal_process(pidfd.get(), SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return waited;
}

int milliseconds_left(Mono deadline) {
  const auto left = std::chrono::ceil<milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) return 0;
  return left.count() > INT_MAX ? INT_MAX : static_cast<int>(left.count());
}

// One line of the report, without its newline. Lines are written whole and
// are short; a byte at a time takes exactly one.
Result<std::string> read_line(int report, Mono deadline) {
  std::string line;
  while (line.size() < 512) {
    struct pollfd entry = {report, POLLIN, 0};
    const int ready = ::poll(&entry, 1, milliseconds_left(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail(Code::kTimeout, "the shim does not answer");
    char byte = 0;
    const ssize_t got = ::read(report, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(from_errno(errno, "report"));
    if (got == 0) return fail(Code::kUnavailable, "the shim ended");
    if (byte == '\n') return line;
    line.push_back(byte);
  }
  return fail(Code::kCorrupt, "the shim's report is not a line");
}

// "error 11 take the lock of the generation"
Error reported_error(const std::string& line) {
  int reason = 0;
  int at = 0;
  if (std::sscanf(line.c_str(), "error %d %n", &reason, &at) != 1)
    return {Code::kUnavailable, "the shim said: " + line.substr(0, 100)};
  const std::string step = line.substr(static_cast<size_t>(at));
  Error error = from_errno(reason, step);
  if (reason == EPERM || reason == ENOSYS) error.code = Code::kUnsupported;
  if (reason == EWOULDBLOCK) {
    error.code = Code::kConflict;
    error.message = step + ": a VMM lives in this generation";
  }
  if (reason == ENOEXEC || reason == EACCES) error.code = Code::kInvalid;
  return error;
}

Result<Launched> take_ready(UniqueFd gate, UniqueFd report, Mono deadline) {
  CHRYSALIS_ASSIGN(const std::string line, read_line(report.get(), deadline));
  ProcessIds ids;
  unsigned long long shim_start = 0;
  unsigned long long vmm_start = 0;
  if (std::sscanf(line.c_str(), "ready %d %llu %d %llu", &ids.shim.pid,
                  &shim_start, &ids.vmm.pid, &vmm_start) != 4)
    return tl::unexpected(reported_error(line));
  ids.shim.start = shim_start;
  ids.vmm.start = vmm_start;
  CHRYSALIS_ASSIGN(ids.boot_id, read_boot_id());
  CHRYSALIS_ASSIGN(UniqueFd shim, open_process(ids.shim));
  CHRYSALIS_ASSIGN(UniqueFd vmm, open_process(ids.vmm));
  return Launched(VmmProcess(std::move(ids), std::move(vmm), std::move(shim)),
                  std::move(gate), std::move(report));
}

// The record of another life in the same directory says nothing of this one.
Result<std::optional<ExitRecord>> own_exit(
    const ProcessIds& ids, const std::filesystem::path& exit_file) {
  CHRYSALIS_ASSIGN(std::optional<ExitRecord> record, read_exit(exit_file));
  if (record && (record->vmm != ids.vmm || record->boot_id != ids.boot_id))
    record.reset();
  return record;
}

}  // namespace

bool VmmProcess::ended() const { return process_ended(vmm_.get()); }

bool VmmProcess::shim_lost() const {
  // A shim that ends after its VMM is not lost: it has done its work.
  return (!shim_.valid() || process_ended(shim_.get())) && !ended();
}

Result<void> VmmProcess::wait_end(Mono deadline) const {
  return wait_process(vmm_.get(), deadline);
}

Result<void> VmmProcess::wait_shim(Mono deadline) const {
  if (!shim_.valid()) return {};
  return wait_process(shim_.get(), deadline);
}

Result<std::optional<ExitRecord>> VmmProcess::wait_exit(
    const std::filesystem::path& exit_file, Mono deadline) const {
  CHRYSALIS_TRY(wait_end(deadline));
  CHRYSALIS_TRY(wait_shim(deadline));
  return own_exit(ids_, exit_file);
}

Result<void> VmmProcess::terminate() const {
  return signal_process(vmm_.get(), SIGTERM);
}

Result<void> VmmProcess::kill() const {
  return signal_process(vmm_.get(), SIGKILL);
}

Result<Launched> Launcher::spawn(const LaunchSpec& spec, Mono deadline) const {
  CHRYSALIS_TRY(check(spec));
  CHRYSALIS_ASSIGN(const std::string block, config_block(spec));
  CHRYSALIS_ASSIGN(const UniqueFd config, as_file(block));
  CHRYSALIS_ASSIGN(Pipe gate, make_pipe());
  CHRYSALIS_ASSIGN(Pipe report, make_pipe());
  CHRYSALIS_ASSIGN(const pid_t starter,
                   exec_shim(shim_.native(), config.get(), gate.read.get(),
                             report.write.get()));
  gate.read.reset();
  report.write.reset();
  CHRYSALIS_TRY(reap_starter(starter, deadline));
  return take_ready(std::move(gate.write), std::move(report.read), deadline);
}

Result<VmmProcess> Launcher::open_gate(Launched launched, Mono deadline) {
  const VmmProcess& process = launched.process_;
  // A dead VMM would make this a SIGPIPE; it is on a pipe, so no MSG_NOSIGNAL.
  sigset_t pipe_signal, before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const bool opened = ::write(launched.gate_.get(), &kGateOpen, 1) == 1;
  if (!opened) {
    const struct timespec now = {0, 0};
    ::sigtimedwait(&pipe_signal, nullptr, &now);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!opened) return fail(Code::kUnavailable, "the VMM left the gate");

  Result<std::string> line = read_line(launched.report_.get(), deadline);
  if (line && *line == "running") return std::move(launched.process_);
  // Whatever it is that came of it, it is not what was recorded: end it.
  (void)process.kill();
  // Until the shim is gone too, so that the caller may use the generation.
  if (process.wait_end(deadline))
    (void)wait_process(process.shim_.get(), deadline);
  if (!line) return tl::unexpected(std::move(line).error());
  return tl::unexpected(reported_error(*line));
}

VmmProcess Launcher::close_gate(Launched launched) {
  launched.gate_.reset();
  return std::move(launched.process_);
}

Result<VmmProcess> Launcher::adopt(const ProcessIds& ids) {
  CHRYSALIS_ASSIGN(const std::string boot_id, read_boot_id());
  if (boot_id != ids.boot_id)
    return fail(Code::kNotFound, "the host was rebooted");
  CHRYSALIS_ASSIGN(UniqueFd vmm, open_process(ids.vmm));
  if (process_ended(vmm.get()))
    return fail(Code::kNotFound,
                "process " + std::to_string(ids.vmm.pid) + " has ended");
  Result<UniqueFd> shim = open_process(ids.shim);
  if (!shim && shim.error().code != Code::kNotFound)
    return tl::unexpected(std::move(shim).error());
  return VmmProcess(ids, std::move(vmm), shim ? std::move(*shim) : UniqueFd());
}

Result<std::optional<ExitRecord>> read_exit_of(
    const ProcessIds& ids, const std::filesystem::path& exit_file,
    Mono deadline) {
  CHRYSALIS_ASSIGN(const std::string boot_id, read_boot_id());
  if (boot_id == ids.boot_id) {
    const Result<UniqueFd> shim = open_process(ids.shim);
    if (shim) CHRYSALIS_TRY(wait_process(shim->get(), deadline));
    if (!shim && shim.error().code != Code::kNotFound)
      return tl::unexpected(shim.error());
  }
  return own_exit(ids, exit_file);
}

Result<bool> generation_in_use(const std::filesystem::path& generation) {
  const std::string path = (generation / kLockFile).native();
  const UniqueFd lock(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!lock.valid() && errno == ENOENT) return false;
  if (!lock.valid()) return tl::unexpected(from_errno(errno, path));
  if (::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return false;
  if (errno == EWOULDBLOCK) return true;
  return tl::unexpected(from_errno(errno, path));
}

}  // namespace chrysalis::hypervisor
