#include "src/hypervisor/process_identity.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>

namespace chrysalis::hypervisor {
namespace {

// A file of /proc, at most 4 KiB of it: these are one line each.
Result<std::string> read_proc(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return tl::unexpected(from_errno(errno, path));
  char buffer[4096];
  const ssize_t size = ::read(fd.get(), buffer, sizeof buffer);
  // The process may end between open and read.
  if (size < 0 && errno == ESRCH) return fail(Code::kNotFound, path);
  if (size < 0) return tl::unexpected(from_errno(errno, path));
  return std::string(buffer, static_cast<size_t>(size));
}

int poll_timeout(Mono deadline) {
  const auto left = std::chrono::ceil<milliseconds>(
      deadline - std::chrono::steady_clock::now());
  return static_cast<int>(
      std::clamp<int64_t>(left.count(), 0, int64_t{INT_MAX}));
}

}  // namespace

Result<std::string> read_boot_id() {
  CHRYSALIS_ASSIGN(std::string id,
                   read_proc("/proc/sys/kernel/random/boot_id"));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

Result<uint64_t> parse_start_time(std::string_view stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos)
    return fail(Code::kCorrupt, "no process name in stat");
  std::string_view rest = stat.substr(name_end + 1);
  for (int field = 3; field <= 22; ++field) {
    const size_t space = rest.find(' ');
    if (space == std::string_view::npos)
      return fail(Code::kCorrupt, "too few fields in stat");
    rest.remove_prefix(space + 1);
  }
  uint64_t start = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), start);
  if (error != std::errc() || end == rest.data())
    return fail(Code::kCorrupt, "no start time in stat");
  return start;
}

Result<uint64_t> read_start_time(pid_t pid) {
  CHRYSALIS_ASSIGN(const std::string stat,
                   read_proc("/proc/" + std::to_string(pid) + "/stat"));
  return parse_start_time(stat);
}

Result<UniqueFd> open_process(const ProcessIdentity& identity) {
  if (identity.pid <= 0) return fail(Code::kNotFound, "no pid");
  const std::string what = "process " + std::to_string(identity.pid);
  // First pin whoever has the pid, then ask who it is.
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0)));
  if (!pidfd.valid()) {
    if (errno == ESRCH) return fail(Code::kNotFound, what + " is gone");
    return tl::unexpected(from_errno(errno, what));
  }
  CHRYSALIS_ASSIGN(const uint64_t start, read_start_time(identity.pid));
  if (start != identity.start)
    return fail(Code::kNotFound, what + " is another one by now");
  return pidfd;
}

Result<void> wait_process(int pidfd, Mono deadline) {
  while (true) {
    struct pollfd entry = {pidfd, POLLIN, 0};
    const int ready = ::poll(&entry, 1, poll_timeout(deadline));
    if (ready > 0) return {};
    if (ready == 0) return fail(Code::kTimeout, "the process goes on");
    if (errno != EINTR) return tl::unexpected(from_errno(errno, "poll"));
  }
}

bool process_ended(int pidfd) {
  struct pollfd entry = {pidfd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

Result<void> signal_process(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0)
    return {};
  if (errno == ESRCH) return fail(Code::kNotFound, "the process has ended");
  return tl::unexpected(from_errno(errno, "signal"));
}

}  // namespace chrysalis::hypervisor
