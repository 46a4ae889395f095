#pragma once

// The signals that end a program, taken by one thread in order: SIGTERM,
// SIGINT, SIGHUP. One that was ignored at the start (nohup) stays so. SIGPIPE
// is ignored: a peer that went is an error of its write. The first signal
// ends in order; a second one then kills, as it does without us.
// Thread-safety: wait() by the thread that called take(), wake() from any.

#include <memory>

#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::program {

class Signals {
 public:
  // REQUIRES: no other thread runs yet; those to come inherit the mask.
  static Result<std::unique_ptr<Signals>> take();

  enum class Came { kSignal, kWake };
  // Blocks until there is a signal, or wake() was called since the last wait.
  Came wait();
  void wake();

 private:
  Signals(UniqueFd signals, UniqueFd wake)
      : signals_(std::move(signals)), wake_(std::move(wake)) {}
  UniqueFd signals_, wake_;
};

}  // namespace chrysalis::program
