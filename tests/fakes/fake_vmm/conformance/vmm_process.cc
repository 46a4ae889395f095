#include "tests/fakes/fake_vmm/conformance/vmm_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

namespace chrysalis::fake_vmm {
namespace {

constexpr int kDeadlineMs = 5000;

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  for (int waited = 0; waited < kDeadlineMs; waited += 5) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) ==
        0) {
      return fd;
    }
    ::close(fd);
    ::poll(nullptr, 0, 5);
  }
  return -1;
}

size_t content_length(const std::string& head) {
  const auto at = head.find("Content-Length: ");
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
}

}  // namespace

VmmProcess::VmmProcess(std::string program, std::string directory,
                       std::string name, std::vector<std::string> extra,
                       std::string faults)
    : directory_(std::move(directory)), name_(std::move(name)) {
  std::vector<std::string> argv = {
      std::string(CHRYSALIS_BINARY_DIR "/simulated/") + program,
      program == "firecracker" ? "--api-sock" : "--api-socket",
      path(name_ + ".sock")};
  argv.insert(argv.end(), extra.begin(), extra.end());
  std::vector<char*> raw;
  for (std::string& word : argv) raw.push_back(word.data());
  raw.push_back(nullptr);
  std::string environment = "FAKE_VMM_FAULTS=" + faults;
  char* envp[] = {environment.data(), nullptr};
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe_ends[0], 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, path(name_ + ".out").c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  ::posix_spawn(&pid_, raw[0], &actions, nullptr, raw.data(), envp);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[0]);
  input_ = pipe_ends[1];
}

VmmProcess::~VmmProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (socket_ >= 0) ::close(socket_);
  if (input_ >= 0) ::close(input_);
}

std::string VmmProcess::path(const std::string& file) const {
  return directory_ + "/" + file;
}

std::string VmmProcess::console() const { return slurp(path(name_ + ".out")); }

Answer VmmProcess::call(const std::string& method, const std::string& target,
                        const std::string& body) {
  if (socket_ < 0) socket_ = connect_to(path(name_ + ".sock"));
  std::string text = method + " " + target + " HTTP/1.1\r\n";
  if (!body.empty()) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  text += "\r\n" + body;
  (void)!::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  std::string got;
  size_t head = std::string::npos;
  while (head == std::string::npos ||
         got.size() < head + 4 + content_length(got.substr(0, head))) {
    pollfd ready{socket_, POLLIN, 0};
    char buffer[65536];
    const ssize_t size = ::poll(&ready, 1, kDeadlineMs) == 1
                             ? ::recv(socket_, buffer, sizeof buffer, 0)
                             : -1;
    if (size <= 0) {
      ::close(socket_);
      socket_ = -1;
      return {};
    }
    got.append(buffer, static_cast<size_t>(size));
    head = got.find("\r\n\r\n");
  }
  return {std::stoi(got.substr(9, 3)), got.substr(head + 4)};
}

int VmmProcess::wait() {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd ready{pidfd, POLLIN, 0};
  const bool ended = ::poll(&ready, 1, kDeadlineMs) == 1;
  ::close(pidfd);
  int status = 0;
  if (!ended || ::waitpid(pid_, &status, 0) != pid_) return -1;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void VmmProcess::signal(int number) { ::kill(pid_, number); }

void VmmProcess::type(const std::string& keys) {
  (void)!::write(input_, keys.data(), keys.size());
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool eventually(const std::function<bool()>& ready) {
  for (int waited = 0; waited < kDeadlineMs; waited += 5) {
    if (ready()) return true;
    ::poll(nullptr, 0, 5);
  }
  return ready();
}

void spill(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

}  // namespace chrysalis::fake_vmm
