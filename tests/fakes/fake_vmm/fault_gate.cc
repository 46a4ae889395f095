#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "tests/fakes/fake_vmm/dialect.h"

namespace chrysalis::fake_vmm {
namespace {

[[noreturn]] void hang(bool deaf) {
  sigset_t blocked;
  ::sigfillset(&blocked);
  if (!deaf) {
    ::sigdelset(&blocked, SIGTERM);
    ::sigdelset(&blocked, SIGINT);
  }
  for (;;) ::sigsuspend(&blocked);
}

}  // namespace

bool FaultGate::enter() const {
  switch (fault.kind) {
    case Fault::Kind::kHang:
      hang(blocks_sigterm);
    case Fault::Kind::kDelay:
      ::poll(nullptr, 0, fault.delay_ms);
      return true;
    case Fault::Kind::kDie:
      ::kill(::getpid(), SIGKILL);
      return false;
    case Fault::Kind::kError:
      return false;
    case Fault::Kind::kNone:
    case Fault::Kind::kDieAfter:
    case Fault::Kind::kDrop:
    case Fault::Kind::kEnospc:
    case Fault::Kind::kShort:
      return true;
  }
  return true;
}

void FaultGate::leave(HttpReply& reply) const {
  if (fault.kind == Fault::Kind::kDieAfter) ::kill(::getpid(), SIGKILL);
  if (fault.kind == Fault::Kind::kDrop) reply.drop = true;
}

}  // namespace chrysalis::fake_vmm
