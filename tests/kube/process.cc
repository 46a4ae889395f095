#include "tests/kube/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace chrysalis::kube_tools {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& s : strings) out.push_back(const_cast<char*>(s.c_str()));
  out.push_back(nullptr);
  return out;
}

// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* argv, char* const* environment,
                         const std::array<int, 3>& stdio, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // died before prctl
  ::setpgid(0, 0);
  for (int fd = 0; fd < 3; ++fd) ::dup2(stdio[static_cast<size_t>(fd)], fd);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(argv[0], argv, environment);
  constexpr std::string_view kWhy = "cannot be executed\n";
  (void)!::write(2, kWhy.data(), kWhy.size());
  ::_exit(127);
}

Result<pid_t> spawn(const std::vector<std::string>& argv,
                    char* const* environment, const std::array<int, 3>& stdio) {
  const auto arguments = pointers(argv);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return tl::unexpected(from_errno(errno, "fork"));
  if (pid == 0) become(arguments.data(), environment, stdio, parent);
  return pid;
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool readable_within(int fd, std::chrono::milliseconds timeout) {
  pollfd wait{fd, POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(timeout.count())) > 0;
}

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0)
    return tl::unexpected(from_errno(errno, "pipe2"));
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// One step of the conversation with the child: false when all pipes ended.
class Conversation {
 public:
  Conversation(UniqueFd in, UniqueFd out, UniqueFd err, std::string_view input)
      : in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)),
        input_(input) {
    ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    if (input_.empty()) in_.reset();
  }

  // False when the deadline passed first.
  bool finish(SteadyClock::time_point deadline, Finished& result) {
    while (out_.valid() || err_.valid()) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - SteadyClock::now());
      if (left.count() <= 0) return false;
      // poll skips descriptors of -1.
      std::array<pollfd, 3> fds{{{in_.get(), POLLOUT, 0},
                                 {out_.get(), POLLIN, 0},
                                 {err_.get(), POLLIN, 0}}};
      if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) <= 0)
        continue;
      if (fds[0].revents != 0) feed();
      if (fds[1].revents != 0) drain(out_, result.out);
      if (fds[2].revents != 0) drain(err_, result.err);
    }
    return true;
  }

 private:
  void feed() {
    const ssize_t n = ::write(in_.get(), input_.data(), input_.size());
    if (n > 0) input_.remove_prefix(static_cast<size_t>(n));
    if (input_.empty() || (n < 0 && errno != EAGAIN)) in_.reset();
  }

  static void drain(UniqueFd& from, std::string& into) {
    std::array<char, 16384> bytes;
    const ssize_t n = ::read(from.get(), bytes.data(), bytes.size());
    if (n > 0)
      into.append(bytes.data(), static_cast<size_t>(n));
    else
      from.reset();
  }

  UniqueFd in_, out_, err_;
  std::string_view input_;
};

// SIGPIPE of a child that does not read its input must not end the test.
class IgnorePipeSignal {
 public:
  IgnorePipeSignal() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~IgnorePipeSignal() { ::sigaction(SIGPIPE, &before_, nullptr); }
  IgnorePipeSignal(const IgnorePipeSignal&) = delete;
  IgnorePipeSignal& operator=(const IgnorePipeSignal&) = delete;

 private:
  struct sigaction before_{};
};

}  // namespace

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

Child::~Child() { kill(); }

Result<Child> Child::start(const std::vector<std::string>& argv,
                           const std::filesystem::path& log) {
  UniqueFd in(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd out(
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!in.valid() || !out.valid())
    return tl::unexpected(from_errno(errno, "open " + log.string()));
  Child child;
  CHRYSALIS_ASSIGN(child.pid_,
                   spawn(argv, environ, {in.get(), out.get(), out.get()}));
  child.pidfd_ = open_pidfd(child.pid_);
  if (!child.pidfd_.valid())
    return tl::unexpected(from_errno(errno, "pidfd_open"));
  return child;
}

bool Child::ended_within(std::chrono::milliseconds timeout) const {
  return pid_ < 0 || readable_within(pidfd_.get(), timeout);
}

void Child::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  pidfd_.reset();
}

Result<Finished> run(const std::vector<std::string>& argv,
                     const std::vector<std::string>& environment,
                     const std::string& input,
                     std::chrono::milliseconds timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  CHRYSALIS_ASSIGN(auto in, make_pipe());
  CHRYSALIS_ASSIGN(auto out, make_pipe());
  CHRYSALIS_ASSIGN(auto err, make_pipe());
  const auto variables = pointers(environment);
  CHRYSALIS_ASSIGN(const pid_t pid,
                   spawn(argv, variables.data(),
                         {in.read.get(), out.write.get(), err.write.get()}));
  const UniqueFd pidfd = open_pidfd(pid);
  in.read.reset();
  out.write.reset();
  err.write.reset();
  const IgnorePipeSignal ignore;
  Finished result;
  Conversation talk(std::move(in.write), std::move(out.read),
                    std::move(err.read), input);
  const bool finished = talk.finish(deadline, result) &&
                        readable_within(pidfd.get(), std::chrono::seconds(5));
  if (!finished) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!finished)
    return fail(Code::kTimeout, argv[0] + " did not end within " +
                                    std::to_string(timeout.count()) + " ms");
  result.exit =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace chrysalis::kube_tools
