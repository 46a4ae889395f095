#include "controller/program/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <utility>

#include "src/base/log.h"

namespace chrysalis::program {
namespace {

sigset_t ending() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, signal);
  return set;
}

}  // namespace

Result<std::unique_ptr<Signals>> Signals::take() {
  ::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = ending();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signals.valid() || !wake.valid())
    return tl::unexpected(from_errno(errno, "signals"));
  return std::unique_ptr<Signals>(
      new Signals(std::move(signals), std::move(wake)));
}

Signals::Came Signals::wait() {
  for (;;) {
    std::array<pollfd, 2> waits{
        {{signals_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    (void)::poll(waits.data(), waits.size(), -1);
    signalfd_siginfo came{};
    if (::read(signals_.get(), &came, sizeof came) == sizeof came) {
      const sigset_t set = ending();
      ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
      log::info("stopping", {{"signal", came.ssi_signo}});
      return Came::kSignal;
    }
    uint64_t count = 0;
    if (::read(wake_.get(), &count, sizeof count) == sizeof count)
      return Came::kWake;
  }
}

void Signals::wake() {
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

}  // namespace chrysalis::program
