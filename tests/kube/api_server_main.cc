// kube_up DIRECTORY: an API server for the demo and for working by hand.
// Writes DIRECTORY/kubeconfig, prints "ready URL", lives until its standard
// input ends or SIGTERM or SIGINT arrives, and takes its children along.

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>

#include "tests/kube/api_server.h"

namespace {

// True when it is time to go.
bool input_ended(const pollfd& input) {
  if (input.revents == 0) return false;
  std::array<char, 256> bytes;
  return ::read(input.fd, bytes.data(), bytes.size()) <= 0;
}

void wait_for_the_end(int signals) {
  std::array<pollfd, 2> fds{{{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}}};
  for (;;) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[1].revents != 0 || input_ended(fds[0])) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: kube_up DIRECTORY\n";
    return 2;
  }
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const chrysalis::UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));

  auto server = chrysalis::kube_tools::ApiServer::start();
  if (!server) {
    std::cerr << "kube_up: " << server.error().message << "\n";
    return 1;
  }
  std::error_code error;
  const std::filesystem::path to = argv[1];
  std::filesystem::create_directories(to, error);
  std::filesystem::copy_file((*server)->kubeconfig_path(), to / "kubeconfig",
                             std::filesystem::copy_options::overwrite_existing,
                             error);
  if (error) {
    std::cerr << "kube_up: " << to << ": " << error.message() << "\n";
    return 1;
  }
  std::cout << "ready " << (*server)->url() << " "
            << (*server)->kubectl_path().string() << std::endl;
  wait_for_the_end(signals.get());
  return 0;
}
