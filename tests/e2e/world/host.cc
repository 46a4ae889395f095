#include "tests/e2e/world/host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/fakes/own_host.h"

namespace chrysalis::e2e {
namespace {

namespace fs = std::filesystem;

constexpr off_t kGuestPage = 0x200000;
constexpr int kEndsWithin = 20'000;  // milliseconds
const fs::path kNetns = "/run/netns";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool real_programs() {
  return ::access(variable("CHRYSALIS_CLOUD_HYPERVISOR").c_str(), X_OK) == 0 &&
         ::access(variable("CHRYSALIS_FIRECRACKER").c_str(), X_OK) == 0 &&
         UniqueFd(::open("/dev/kvm", O_RDWR | O_CLOEXEC)).valid();
}

std::string read_all(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// "...) S <ppid> ..." of /proc/PID/stat.
pid_t parent_of(pid_t pid) {
  const std::string stat = read_all("/proc/" + std::to_string(pid) + "/stat");
  const size_t name = stat.rfind(')');
  if (name == std::string::npos || stat.size() < name + 4) return 0;
  return std::atoi(stat.c_str() + name + 4);
}

// Every process, by the inode of its network namespace.
std::multimap<ino_t, pid_t> by_namespace() {
  std::multimap<ino_t, pid_t> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    struct stat info{};
    if (pid > 0 && ::stat((entry.path() / "ns/net").c_str(), &info) == 0)
      out.emplace(info.st_ino, pid);
  }
  return out;
}

bool make_namespaces() {
  return ::geteuid() == 0 && ::unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 &&
         share_own_mounts() && own_netns_directory() && loopback_up();
}

void add_entries(const fs::path& directory, const std::string& what,
                 std::vector<std::string>& out) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored))
    if (entry.path().filename() != ".staging")
      out.push_back(what + " " + entry.path().string());
}

// Of this network namespace, but for the loopback.
void add_devices(std::vector<std::string>& out) {
  std::istringstream lines(read_all("/proc/thread-self/net/dev"));
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = line.substr(line.find_first_not_of(' '),
                                         colon - line.find_first_not_of(' '));
    if (name != "lo") out.push_back("device " + name);
  }
}

}  // namespace

bool enter_own_namespaces() {
  static const bool entered = make_namespaces();
  return entered;
}

Host::Host() : real_(real_programs()) {
  char name[] = "/tmp/chrysalis-e2e-XXXXXX";
  EXPECT_NE(::mkdtemp(name), nullptr);
  root_ = name;
  ::chmod(name, 0711);  // the VMMs' own users pass through
  // Firecracker's real guest is another: as in the demo.
  for (const auto& [image, guest] :
       {std::pair("counter", "eject64.elf"), {"counter-fc", "tick32.elf"}}) {
    const fs::path to = root_ / "images" / image;
    fs::create_directories(to);
    if (real_)
      fs::copy_file(fs::path(CHRYSALIS_BINARY_DIR "/guests") / guest,
                    to / "kernel");
    else
      std::ofstream(to / "kernel") << "simulated-guest eject acpi\n";
  }
}

Host::~Host() {
  for (const auto& [uid, pid] : vmms()) {
    ::kill(pid, SIGKILL);
    ::umount2((kNetns / ("cvm-" + uid)).c_str(), MNT_DETACH);
    ::unlink((kNetns / ("cvm-" + uid)).c_str());
  }
  (void)leftovers();  // the shims write their last word
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

Words Host::node_flags() const {
  const fs::path simulated = CHRYSALIS_BINARY_DIR "/simulated";
  Words flags{"--state-dir", state(), "--image-root", root_ / "images",
              "--cloud-hypervisor"};
  flags.push_back(real_ ? variable("CHRYSALIS_CLOUD_HYPERVISOR")
                        : (simulated / "cloud-hypervisor").string());
  flags.push_back("--firecracker");
  flags.push_back(real_ ? variable("CHRYSALIS_FIRECRACKER")
                        : (simulated / "firecracker").string());
  if (real_) flags.insert(flags.end(), {"--max-phys-bits", "36"});
  return flags;
}

void Host::note(pid_t vmm) {
  for (const pid_t pid : {vmm, parent_of(vmm)}) {
    if (pid <= 1 || seen_.contains(pid)) continue;
    UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (fd.valid()) seen_.emplace(pid, std::move(fd));
  }
}

std::map<std::string, pid_t> Host::vmms() {
  std::map<std::string, pid_t> out;
  const auto processes = by_namespace();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(state() / "vms", ignored)) {
    const std::string uid = entry.path().filename();
    struct stat info{};
    if (::stat((kNetns / ("cvm-" + uid)).c_str(), &info) != 0) continue;
    const auto [first, last] = processes.equal_range(info.st_ino);
    for (auto at = first; at != last; ++at) {
      note(at->second);
      out[uid] = at->second;
    }
  }
  return out;
}

Mark Host::mark_in(const std::string& snapshot_uid) const {
  const fs::path directory = state() / "snapshots" / snapshot_uid;
  Mark mark;
  for (const char* name : {"memory-ranges", "mem"}) {
    const UniqueFd file(
        ::open((directory / name).c_str(), O_RDONLY | O_CLOEXEC));
    char page[24] = {};
    if (!file.valid() || ::pread(file.get(), page, sizeof page, kGuestPage) !=
                             static_cast<ssize_t>(sizeof page))
      continue;
    std::memcpy(&mark.counter, page, sizeof mark.counter);
    mark.nonce.assign(page + 8, 16);
  }
  return mark;
}

std::vector<std::string> Host::leftovers() {
  std::vector<std::string> out;
  for (const auto& [pid, fd] : seen_) {
    pollfd ended{fd.get(), POLLIN, 0};
    if (::poll(&ended, 1, kEndsWithin) <= 0)
      out.push_back("process " + std::to_string(pid));
  }
  add_entries(state() / "vms", "directory", out);
  add_entries(state() / "snapshots", "directory", out);
  add_entries(state() / "snapshots/.staging", "directory", out);
  add_entries(kNetns, "network namespace", out);
  add_devices(out);
  std::istringstream mounts(read_all("/proc/thread-self/mountinfo"));
  for (std::string line; std::getline(mounts, line);)
    if (line.find(root_.string()) != std::string::npos)
      out.push_back("mount " + line);
  return out;
}

}  // namespace chrysalis::e2e
