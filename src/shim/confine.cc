#include "src/shim/confine.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>

#include "src/hypervisor/shim_protocol.h"
#include "src/shim/root.h"

namespace chrysalis::shim {
namespace {

void say(int sync, char word) {
  while (write(sync, &word, 1) < 0 && errno == EINTR) {
  }
}

// Zero of each: effective, permitted, inheritable.
bool has_no_capabilities() {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  errno = EPERM;
  return (data[0].effective | data[1].effective | data[0].permitted |
          data[1].permitted | data[0].inheritable | data[1].inheritable) == 0;
}

const char* drop_privileges(const Config& config) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "set no-new-privs";
  for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap)
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
      return "drop the capability bounding set";
  const gid_t group = config.shared_gid;
  if (setgroups(group != 0 ? 1 : 0, &group) != 0) return "set the groups";
  if (setresgid(config.uid, config.uid, config.uid) != 0)
    return "set the group";
  if (setresuid(config.uid, config.uid, config.uid) != 0) return "set the user";
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const struct __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0 ||
      prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
      !has_no_capabilities())
    return "drop the capabilities";
  return nullptr;
}

// Guest memory never becomes a core file.
const char* set_limits() {
  const struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return "forbid core files";
  struct rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return "raise the file limit";
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) return "raise the file limit";
  return nullptr;
}

const char* install_descriptors(const ChildFds& fds) {
  if (dup2(fds.input, 0) < 0 || dup2(fds.log, 1) < 0 || dup2(fds.log, 2) < 0 ||
      dup2(fds.lock, hypervisor::kVmmLockFd) < 0 ||
      (fds.events >= 0 && dup2(fds.events, hypervisor::kVmmEventsFd) < 0))
    return "install the descriptors";
  const unsigned first = fds.events >= 0 ? hypervisor::kVmmEventsFd + 1
                                         : hypervisor::kVmmLockFd + 1;
  if (close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    return "close what the VMM must not have";
  return nullptr;
}

const char* confine(const Config& config, const ChildFds& fds) {
  if (const char* step = set_limits()) return step;
  if (fds.netns >= 0 && setns(fds.netns, CLONE_NEWNET) != 0)
    return "enter the network namespace";
  if (unshare(CLONE_NEWNS) != 0) return "make a mount namespace";
  if (const char* step = enter_root(config.uid, config.keep_old_root))
    return step;
  if (const char* step = install_descriptors(fds)) return step;
  return drop_privileges(config);
}

// The shim ignores signals that the VMM must not.
void reset_signals() {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGPIPE})
    ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool gate_opens(int gate) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = read(gate, &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1 && byte == hypervisor::kGateOpen;
}

}  // namespace

void report_error(int report, const char* step) {
  char line[256];
  const int size = snprintf(line, sizeof line, "error %d %s\n", errno, step);
  while (write(report, line, static_cast<size_t>(size)) < 0 && errno == EINTR) {
  }
}

void become_vmm(const Config& config, const ChildFds& fds) {
  if (const char* step = confine(config, fds)) {
    report_error(fds.report, step);
    _exit(1);
  }
  say(fds.sync, kSyncConfined);
  if (!gate_opens(fds.gate)) {
    say(fds.sync, kSyncGateClosed);
    _exit(0);
  }
  reset_signals();
  say(fds.sync, kSyncExec);
  execveat(fds.binary, "", const_cast<char* const*>(config.argv),
           const_cast<char* const*>(config.env), AT_EMPTY_PATH);
  const int reason = errno;
  char word[1 + sizeof reason] = {kSyncNoExec};
  __builtin_memcpy(word + 1, &reason, sizeof reason);
  while (write(fds.sync, word, sizeof word) < 0 && errno == EINTR) {
  }
  _exit(127);
}

}  // namespace chrysalis::shim
