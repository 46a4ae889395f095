// fake_vmm: a process that behaves as Cloud Hypervisor v53.0 or Firecracker
// v1.16.1 does towards its host, with a simulated guest. Which of the two is
// said by argv[0] (`cloud-hypervisor`, `firecracker`) or by a first argument
// `--dialect NAME`.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "tests/fakes/fake_vmm/dialect.h"
#include "tests/fakes/fake_vmm/machine/guest.h"

namespace chrysalis::fake_vmm {
namespace {

constexpr size_t kMaxBody = 51200;

struct Arguments {
  bool cloud_hypervisor = false;
  std::string socket;
  std::string id = "anonymous-instance";
  CloudHypervisorOptions ch;
};

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string strip(const std::string& text, const std::string& prefix) {
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

// Flags with a value that say nothing to the simulation.
bool is_ignored_flag(const std::string& flag, bool cloud_hypervisor) {
  static const std::vector<std::string> ch = {"--log-file", "--log-format",
                                              "--seccomp", "--landlock-rules"};
  static const std::vector<std::string> fc = {
      "--log-path",          "--level",          "--module",
      "--metrics-path",      "--seccomp-filter", "--http-api-max-payload-size",
      "--mmds-size-limit",   "--start-time-us",  "--start-time-cpu-us",
      "--parent-cpu-time-us"};
  for (const std::string& known : cloud_hypervisor ? ch : fc) {
    if (flag == known) return true;
  }
  return false;
}

bool is_switch(const std::string& flag, bool cloud_hypervisor) {
  if (cloud_hypervisor) {
    return flag == "--landlock" ||
           (flag.starts_with("-v") &&
            flag.find_first_not_of('v', 1) == std::string::npos);
  }
  return flag == "--no-seccomp" || flag == "--show-level" ||
         flag == "--show-log-origin" || flag == "--boot-timer";
}

[[noreturn]] void print_version(bool cloud_hypervisor) {
  if (cloud_hypervisor) {
    std::printf("cloud-hypervisor %s\nMigration Protocol Versions: 0\n",
                std::string(kCloudHypervisorVersion).c_str());
  } else {
    std::printf("Firecracker v%s\n\n",
                std::string(kFirecrackerVersion).c_str());
  }
  std::exit(0);
}

[[noreturn]] void bad_argument(bool cloud_hypervisor, const std::string& flag) {
  std::fprintf(stderr,
               cloud_hypervisor
                   ? "error: unexpected argument '%s' found\n"
                   : "Arguments parsing error: Found argument '%s' "
                     "which wasn't expected.\n",
               flag.c_str());
  std::exit(cloud_hypervisor ? 2 : 153);
}

Arguments parse(const std::vector<std::string>& argv, bool cloud_hypervisor,
                size_t first) {
  Arguments out;
  out.cloud_hypervisor = cloud_hypervisor;
  for (size_t i = first; i < argv.size(); ++i) {
    std::string flag = argv[i];
    std::optional<std::string> inline_value;
    if (const auto eq = flag.find('=');
        flag.starts_with("--") && eq != std::string::npos) {
      inline_value = flag.substr(eq + 1);
      flag.resize(eq);
    }
    const auto value = [&]() -> std::string {
      if (inline_value) return *inline_value;
      if (i + 1 >= argv.size()) bad_argument(cloud_hypervisor, flag);
      return argv[++i];
    };
    if (flag == "--version" || flag == "-V") {
      print_version(cloud_hypervisor);
    } else if (!cloud_hypervisor && flag == "--snapshot-version") {
      std::printf("v%s\n", std::string(kFirecrackerSnapshotVersion).c_str());
      std::exit(0);
    } else if (cloud_hypervisor && flag == "--api-socket") {
      out.socket = strip(value(), "path=");
    } else if (cloud_hypervisor && flag == "--event-monitor") {
      const std::string where = value();
      if (where.starts_with("fd=")) {
        out.ch.event_monitor_fd = std::atoi(where.c_str() + 3);
      } else {
        out.ch.event_monitor = strip(where, "path=");
      }
    } else if (cloud_hypervisor && flag == "--no-shutdown") {
      out.ch.no_shutdown = true;
    } else if (!cloud_hypervisor && flag == "--api-sock") {
      out.socket = value();
    } else if (!cloud_hypervisor && flag == "--id") {
      out.id = value();
    } else if (is_ignored_flag(flag, cloud_hypervisor)) {
      (void)value();
    } else if (!is_switch(flag, cloud_hypervisor)) {
      bad_argument(cloud_hypervisor, flag);
    }
  }
  if (out.socket.empty()) {
    out.socket = cloud_hypervisor ? "" : "/run/firecracker.socket";
  }
  return out;
}

// Cloud Hypervisor: a lock beside the socket; a stale socket is removed.
UniqueFd listen_ch(const std::string& path, UniqueFd& lock) {
  lock = UniqueFd(
      ::open((path + ".lock").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (!lock.valid() || ::fcntl(lock.get(), F_OFD_SETLK, &whole) != 0) {
    std::fprintf(stderr,
                 "Error: API socket \"%s\" is already in use by another "
                 "running instance\n",
                 path.c_str());
    std::exit(1);
  }
  ::unlink(path.c_str());
  auto fd = listen_unix(path);
  if (fd) return std::move(*fd);
  std::fprintf(stderr, "Error: cannot create the API socket: %s\n",
               os_error(fd.error()).c_str());
  std::exit(1);
}

UniqueFd listen_fc(const std::string& path) {
  auto fd = listen_unix(path);
  if (fd) return std::move(*fd);
  std::fprintf(stderr,
               "Failed to open the API socket at: %s. Check that it is not "
               "already used.\n",
               path.c_str());
  std::exit(1);
}

UniqueFd stop_signals(bool cloud_hypervisor) {
  ::signal(SIGPIPE, SIG_IGN);
  if (!cloud_hypervisor) {
    ::signal(SIGBUS, [](int) { ::_exit(149); });
    return UniqueFd();
  }
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

UniqueFd ticker() {
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec every{};
  every.it_interval.tv_nsec = kTickMs * 1'000'000;
  every.it_value = every.it_interval;
  ::timerfd_settime(timer.get(), 0, &every, nullptr);
  return timer;
}

bool drained(int fd, void* into, size_t size) {
  return ::read(fd, into, size) == static_cast<ssize_t>(size);
}

int loop(Dialect& vmm, HttpServer& server, int signals) {
  const UniqueFd timer = ticker();
  const auto handle = [&vmm](const HttpRequest& request) {
    return vmm.handle(request);
  };
  std::vector<pollfd> fds;
  while (!vmm.exit_code()) {
    fds.clear();
    server.add_to(fds);
    vmm.add_to(fds);
    fds.push_back({timer.get(), POLLIN, 0});
    if (signals >= 0) fds.push_back({signals, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    vmm.serve(fds);
    uint64_t ticks = 0;
    // Ticks missed while a call blocked are lost: the vCPUs were parked.
    if (drained(timer.get(), &ticks, sizeof ticks)) vmm.tick();
    signalfd_siginfo info{};
    if (signals >= 0 && drained(signals, &info, sizeof info)) vmm.terminate();
    if (!vmm.exit_code()) server.serve(fds, handle);
  }
  server.flush();
  return *vmm.exit_code();
}

int run(const std::vector<std::string>& argv) {
  std::string name = argv.empty() ? "" : argv[0].substr(argv[0].rfind('/') + 1);
  size_t first = 1;
  if (argv.size() > 2 && argv[1] == "--dialect") {
    name = argv[2];
    first = 3;
  }
  if (name != "cloud-hypervisor" && name != "firecracker") {
    std::fprintf(stderr,
                 "fake_vmm: call it cloud-hypervisor or firecracker, "
                 "or give --dialect NAME first\n");
    return 2;
  }
  const bool ch = name == "cloud-hypervisor";
  if (ch) ::umask(077);
  const Arguments arguments = parse(argv, ch, first);
  const char* environment = std::getenv("FAKE_VMM_FAULTS");
  Faults faults(environment == nullptr ? "" : environment,
                directory_of(arguments.socket));
  if (!(FaultGate{faults.at("start"), ch}.enter())) {
    std::fprintf(stderr, "Error: simulated fault at start\n");
    return 1;
  }
  const UniqueFd signals = stop_signals(ch);
  auto vmm = ch ? make_cloud_hypervisor(arguments.ch, faults)
                : make_firecracker(arguments.id, faults);
  if (!vmm) {
    std::fprintf(stderr, "Error: cannot open the event monitor\n");
    return 1;
  }
  UniqueFd lock;
  HttpServer server(
      ch ? listen_ch(arguments.socket, lock) : listen_fc(arguments.socket),
      ch ? "Cloud Hypervisor API" : "Firecracker API", kMaxBody);
  const int code = loop(*vmm, server, signals.get());
  if (ch && code == 0) ::unlink(arguments.socket.c_str());
  return code;
}

}  // namespace
}  // namespace chrysalis::fake_vmm

int main(int argc, char** argv) {
  return chrysalis::fake_vmm::run(std::vector<std::string>(argv, argv + argc));
}
