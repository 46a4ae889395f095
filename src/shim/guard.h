#pragma once

// The pause guard: while it is armed, the guest is resumed at the deadline or
// when the agent's connection closes, whichever comes first.
//
//        arm            deadline, or the connection closes
//   idle -----> armed ------------------------------------> firing
//    ^  disarm   |                                             | answered,
//    '-----------'<--------------------------------------------' or gave up
//
// `fired` is remembered until the next arm. A resume request to a VMM that is
// writing a dump is queued by it, so firing may take as long as the dump; a
// connection that the VMM drops is tried again.
// One object a process; driven by the main loop's poll.

#include <poll.h>

#include <cstddef>
#include <cstdint>

#include "src/shim/config.h"

namespace chrysalis::shim {

class Guard {
 public:
  // Listens on config.guard_socket; null: it is off. False with errno.
  bool open(const Config& config);

  // Adds what to wait for; returns how many entries (at most 3).
  size_t collect(struct pollfd* entries);
  // Milliseconds until something is due; -1: nothing.
  int timeout(uint64_t now_ms) const;
  // After poll, with the entries of collect.
  void step(const struct pollfd* entries, size_t count, uint64_t now_ms);

 private:
  enum class Fired : uint8_t { kNot, kDeadline, kClosed };

  void accept_agent();
  void hear_agent(uint64_t now_ms);
  void answer(const char* text);
  void fire(Fired why, uint64_t now_ms);
  void try_resume(uint64_t now_ms);
  void hear_vmm(uint64_t now_ms);
  const char* fired_text() const;

  const char* api_socket_ = nullptr;
  const char* request_ = nullptr;
  uid_t vmm_uid_ = 0;
  int listener_ = -1;
  int agent_ = -1;
  int vmm_ = -1;
  bool armed_ = false;
  Fired fired_ = Fired::kNot;
  uint64_t deadline_ms_ = 0;
  uint64_t retry_ms_ = 0;  // 0: none
  int retries_ = 0;
};

// Monotonic milliseconds; never 0.
uint64_t now_ms();

}  // namespace chrysalis::shim
