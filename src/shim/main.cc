// chrysalis-shim: the parent of one VMM (README.md of this folder).
//
//   agent --exec--> starter --fork--> shim --fork--> child = VMM
//                   exits at once     stays          waits at the gate
//
// The starter is the agent's child, so the shim is nobody's: it lives on when
// the agent ends, in a session of its own.

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>

#include "src/hypervisor/shim_files.h"
#include "src/hypervisor/shim_protocol.h"
#include "src/shim/config.h"
#include "src/shim/confine.h"
#include "src/shim/console.h"
#include "src/shim/guard.h"
#include "src/shim/own_files.h"

namespace chrysalis::shim {
namespace {

constexpr int kFirstOwnFd = 16;  // below: what the VMM is given

struct Shim {
  Config config;
  int report = -1;
  int gate = -1;
  int binary = -1;
  int netns = -1;
  int lock = -1;
  int input = -1;
  int sync = -1;  // read end, from the child
  pid_t child = -1;
  int child_pidfd = -1;
  char boot_id[40] = {};
  bool gate_closed = false;
  bool executed = false;
  int exec_errno = 0;
  BoundedLog log, events;
  ConsoleDrain console;
  Guard guard;
};

Shim shim;  // static: nothing is allocated

int move_up(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, kFirstOwnFd); }

// In a pod: out of the container's mounts, so that paths are the host's and
// nothing of its image is used or held.
const char* join_host_mounts() {
  const int mounts = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (mounts < 0) return "open the host's mount namespace";
  const int cgroups = open("/proc/1/ns/cgroup", O_RDONLY | O_CLOEXEC);
  if (cgroups >= 0 && setns(cgroups, CLONE_NEWCGROUP) != 0)
    return "enter the host's cgroup namespace";
  if (setns(mounts, CLONE_NEWNS) != 0) return "enter the host's mounts";
  close(mounts);
  if (cgroups >= 0) close(cgroups);
  return nullptr;
}

const char* join_cgroup(const char* path) {
  if (mkdir(path, 0755) != 0 && errno != EEXIST) return "make the cgroup";
  char procs[512];
  if (snprintf(procs, sizeof procs, "%s/cgroup.procs", path) >=
      static_cast<int>(sizeof procs)) {
    errno = ENAMETOOLONG;
    return "enter the cgroup";
  }
  const int fd = open(procs, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) != 1) return "enter the cgroup";
  close(fd);
  return nullptr;
}

// The directory is the working directory from here on. Root's and sticky: the
// VMM's group may add files, only their owner or root may take them away.
const char* enter_generation(const Config& config) {
  const int fd =
      open(config.generation, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return "open the generation directory";
  if (fchown(fd, 0, config.uid) != 0 || fchmod(fd, 01770) != 0 ||
      fchdir(fd) != 0)
    return "take the generation directory";
  close(fd);
  return nullptr;
}

const char* open_input(const char* fifo, int* input) {
  if (fifo == nullptr) {
    *input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return *input < 0 ? "open /dev/null" : nullptr;
  }
  struct stat node = {};
  if (lstat(fifo, &node) == 0 && (!S_ISFIFO(node.st_mode) || node.st_uid != 0))
    unlink(fifo);
  if (mkfifo(fifo, 0600) != 0 && errno != EEXIST) return "make the input fifo";
  // Both ways, so that the VMM never sees an end of file.
  *input = open(fifo, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  return *input < 0 ? "open the input fifo" : nullptr;
}

const char* prepare() {
  const Config& config = shim.config;
  if (config.join_host_mounts)
    if (const char* step = join_host_mounts()) return step;
  if (config.cgroup != nullptr)
    if (const char* step = join_cgroup(config.cgroup)) return step;
  shim.binary = open(config.binary, O_PATH | O_CLOEXEC);
  if (shim.binary < 0) return "open the program";
  if (config.netns != nullptr) {
    shim.netns = open(config.netns, O_RDONLY | O_CLOEXEC);
    if (shim.netns < 0) return "open the network namespace";
  }
  if (const char* step = enter_generation(config)) return step;
  shim.lock = take_lock(hypervisor::kLockFile);
  if (shim.lock < 0) return "take the lock of the generation";
  if (unlink(config.exit_file) != 0 && errno != ENOENT)
    return "remove the old exit record";
  if (!shim.log.open(config.log_file, 0)) return "open the log";
  // What a VMM told before in this generation says nothing of this one.
  if (config.events_file != nullptr &&
      !shim.events.open(config.events_file, O_TRUNC))
    return "open the events";
  if (dup2(shim.log.fd(), 2) < 0) return "open the log";
  if (const char* step = open_input(config.stdin_fifo, &shim.input))
    return step;
  if (!shim.guard.open(config)) return "open the guard's socket";
  if (!shim.console.open(config.serial_socket, config.uid, config.console_file))
    return "open the console";
  return read_boot_id(shim.boot_id) ? nullptr : "read the boot id";
}

const char* start_child() {
  int sync[2];
  if (pipe2(sync, O_CLOEXEC) != 0) return "make a pipe";
  shim.sync = sync[0];
  shim.child = fork();
  if (shim.child < 0) return "fork";
  if (shim.child == 0) {
    close(shim.sync);
    become_vmm(shim.config,
               {shim.binary, shim.netns, shim.gate, sync[1], shim.report,
                shim.input, shim.log.fd(), shim.lock, shim.events.fd()});
  }
  close(sync[1]);
  close(shim.gate);
  close(shim.binary);
  if (shim.netns >= 0) close(shim.netns);
  // The shim keeps no end of the VMM's input: its writers learn of its end.
  close(shim.input);
  shim.child_pidfd = static_cast<int>(syscall(SYS_pidfd_open, shim.child, 0));
  return shim.child_pidfd < 0 ? "open a pidfd" : nullptr;
}

void report_line(const char* line, int size) {
  (void)!write(shim.report, line, static_cast<size_t>(size));
}

void report_ready() {
  char line[128];
  report_line(
      line, snprintf(line, sizeof line, "ready %d %llu %d %llu\n", getpid(),
                     static_cast<unsigned long long>(start_time(getpid())),
                     shim.child,
                     static_cast<unsigned long long>(start_time(shim.child))));
}

void end_sync() {
  close(shim.sync);
  shim.sync = -1;
  if (shim.exec_errno != 0) {
    errno = shim.exec_errno;
    report_error(shim.report, "execute the program");
  } else if (shim.executed) {
    report_line("running\n", 8);
  }
  close(shim.report);
  shim.report = -1;
}

void hear_child() {
  char word[16];
  const ssize_t got = read(shim.sync, word, sizeof word);
  if (got < 0 && errno == EINTR) return;
  if (got <= 0) return end_sync();
  for (ssize_t i = 0; i < got; ++i) {
    if (word[i] == kSyncConfined) report_ready();
    if (word[i] == kSyncGateClosed) shim.gate_closed = true;
    if (word[i] == kSyncExec) shim.executed = true;
    if (word[i] == kSyncNoExec) {
      shim.executed = false;
      if (got - i > static_cast<ssize_t>(sizeof shim.exec_errno))
        __builtin_memcpy(&shim.exec_errno, word + i + 1,
                         sizeof shim.exec_errno);
      return;
    }
  }
}

// Until the child is dead. It stays a zombie, so its pid is still its own.
void serve() {
  while (true) {
    struct pollfd entries[8];
    size_t count = 0;
    entries[count++] = {shim.child_pidfd, POLLIN, 0};
    if (shim.sync >= 0) entries[count++] = {shim.sync, POLLIN, 0};
    const size_t sync_end = count;
    const size_t console = shim.console.collect(entries + count);
    count += console;
    const size_t guard = shim.guard.collect(entries + count);
    count += guard;

    uint64_t now = now_ms();
    int wait = -1;
    for (const int due : {shim.log.timeout(now), shim.events.timeout(now),
                          shim.console.timeout(now), shim.guard.timeout(now)})
      if (due >= 0 && (wait < 0 || due < wait)) wait = due;
    if (poll(entries, count, wait) < 0 && errno != EINTR) _exit(1);
    now = now_ms();

    if (sync_end == 2 && entries[1].revents != 0) hear_child();
    size_t at = sync_end;
    shim.log.step(now);
    shim.events.step(now);
    shim.console.step(entries + at, console, now);
    at += console;
    shim.guard.step(entries + at, guard, now);
    if (entries[0].revents != 0) return;
  }
}

int write_how_it_ended() {
  while (shim.sync >= 0) hear_child();
  Ending ending;
  ending.vmm = shim.child;
  ending.vmm_start = start_time(shim.child);
  ending.boot_id = shim.boot_id;
  int status = 0;
  while (waitpid(shim.child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!shim.executed) {
    ending.kind = "not-started";
    ending.code = shim.exec_errno;
  } else if (WIFSIGNALED(status)) {
    ending.kind = "killed";
    ending.signal = WTERMSIG(status);
    ending.core = WCOREDUMP(status);
  } else {
    ending.kind = "exited";
    ending.code = WEXITSTATUS(status);
  }
  shim.log.bound();
  shim.events.bound();
  if (shim.config.guard_socket != nullptr) unlink(shim.config.guard_socket);
  return write_ending(shim.config.exit_file, ending) ? 0 : 1;
}

int start() {
  shim.report = move_up(hypervisor::kShimReportFd);
  shim.gate = move_up(hypervisor::kShimGateFd);
  const int block = move_up(hypervisor::kShimConfigFd);
  if (shim.report < 0 || shim.gate < 0 || block < 0) return 2;
  // These numbers in the VMM stay taken, so that nothing else gets them.
  for (const int fd : {hypervisor::kVmmLockFd, hypervisor::kVmmEventsFd})
    if (dup2(0, fd) < 0) return 2;
  close_range(hypervisor::kVmmEventsFd + 1, kFirstOwnFd - 1, 0);
  if (!read_config(block, &shim.config)) {
    report_error(shim.report, "read the configuration");
    return 2;
  }
  close(block);
  const pid_t forked = fork();
  if (forked < 0) report_error(shim.report, "fork");
  if (forked != 0) return forked < 0 ? 2 : 0;
  setsid();
  umask(077);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE})
    ::signal(signal, SIG_IGN);
  const char* step = prepare();
  if (step == nullptr) step = start_child();
  if (step != nullptr) {
    report_error(shim.report, step);
    return 1;
  }
  serve();
  return write_how_it_ended();
}

}  // namespace
}  // namespace chrysalis::shim

int main() { return chrysalis::shim::start(); }
