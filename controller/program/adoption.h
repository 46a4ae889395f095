#pragma once

// An engine that takes over what a former one left, beside the thread that
// hears signals: it looks at each VM, which may take long where many are.
// A signal meanwhile is heard at once, and the end then waits for adopt() to
// return, as no VM is to be left half looked at.
// Thread-safety: one thread. Ownership: borrows both; the destructor joins.

#include <atomic>
#include <thread>

#include "controller/program/signals.h"
#include "src/base/result.h"
#include "src/engine/engine.h"

namespace chrysalis::program {

class Adoption {
 public:
  // Begins. `signals` are woken when it has ended.
  Adoption(engine::Engine& engine, Signals& signals);
  ~Adoption();
  Adoption(const Adoption&) = delete;
  Adoption& operator=(const Adoption&) = delete;

  [[nodiscard]] bool ended() const { return ended_; }
  // Until it has ended well. False: a signal came first.
  Result<bool> await(Signals& signals) const;
  // REQUIRES: ended().
  [[nodiscard]] const Result<>& result() const { return result_; }

 private:
  Result<> result_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace chrysalis::program
