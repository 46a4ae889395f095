#include "tests/bench/drive/isolate.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "tests/fakes/own_host.h"

namespace chrysalis::bench {
namespace {

using Run = std::function<int(const std::filesystem::path&)>;

// The VM's network namespaces are mounts: shared, so that a thread that enters
// one sees those of the others.
bool mounts() {
  return share_own_mounts() && own_netns_directory() &&
         ::mount("proc", "/proc", "proc", 0, nullptr) == 0;
}

// As init: what lost its parent ends here. The world ends with the worker.
[[noreturn]] void reap_until(pid_t worker) {
  for (;;) {
    int status = 0;
    const pid_t ended = ::wait(&status);
    if (ended == worker) ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
    if (ended < 0 && errno == ECHILD) ::_exit(1);
  }
}

[[noreturn]] void be_init(const Run& run, const std::filesystem::path& dir) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setenv("TMPDIR", dir.c_str(), 1);  // of fixtures: it goes with the rest
  if (!mounts() || !loopback_up()) {
    std::cerr << "bench: no namespace of its own: " << std::strerror(errno)
              << "\n";
    ::_exit(1);
  }
  const pid_t worker = ::fork();
  if (worker > 0) reap_until(worker);
  int code = 1;
  if (worker == 0) code = run(dir);
  std::cout.flush();
  std::cerr.flush();
  ::_exit(code);
}

int wait_for(pid_t init, const sigset_t& signals, seconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    int status = 0;
    if (::waitpid(init, &status, WNOHANG) == init)
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    const auto left = std::chrono::duration_cast<seconds>(
        deadline - std::chrono::steady_clock::now());
    const timespec wait{.tv_sec = std::max<long>(left.count(), 0),
                        .tv_nsec = 0};
    const int came = ::sigtimedwait(&signals, nullptr, &wait);
    if (came == SIGCHLD || (came < 0 && errno == EINTR)) continue;
    std::cerr << (came < 0 ? "bench: it took too long\n" : "bench: ended\n");
    ::kill(init, SIGKILL);
    ::waitpid(init, nullptr, 0);
    return 1;
  }
}

int run_isolated(seconds at_most, const Run& run) {
  if (::geteuid() != 0) {
    std::cerr << "bench: needs root, for network namespaces and TAPs\n";
    return 1;
  }
  sigset_t signals, before;
  ::sigemptyset(&signals);
  for (const int one : {SIGCHLD, SIGINT, SIGTERM, SIGHUP})
    ::sigaddset(&signals, one);
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  char name[] = "/tmp/chrysalis-bench-XXXXXX";
  if (::mkdtemp(name) == nullptr || ::chmod(name, 0711) != 0 ||
      ::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) != 0) {
    std::cerr << "bench: " << name << ": " << std::strerror(errno) << "\n";
    return 1;
  }
  const pid_t init = ::fork();
  if (init == 0) {
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    be_init(run, name);
  }
  const int code = init < 0 ? 1 : wait_for(init, signals, at_most);
  std::error_code ignored;
  std::filesystem::remove_all(name, ignored);
  return code;
}

}  // namespace

int isolated_main(const std::string& name, seconds at_most, int argc,
                  char** argv, const IsolatedBench& run) {
  if (argc != 3) {
    std::cerr << "usage: " << name << " BUILD_DIR OUT.json\n";
    return 2;
  }
  const std::filesystem::path build = std::filesystem::absolute(argv[1]);
  const std::filesystem::path out = std::filesystem::absolute(argv[2]);
  return run_isolated(at_most, [&](const std::filesystem::path& root) {
    return run(root, build, out);
  });
}

}  // namespace chrysalis::bench
