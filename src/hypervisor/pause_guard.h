#pragma once

// The agent's end of the pause guard, which lives in the shim: it resumes the
// guest at a deadline, or when this connection closes (we died).
//
//   idle --arm--> armed --disarm--> idle            (kNotFired)
//                   |--deadline---> fired --disarm--> idle (kDeadline)
//                   '--close------> fired --status--> ...  (kClosed)
//
// Thread-safety: one thread at a time. Destroying an armed guard fires it.
// Errors: kUnavailable - no shim there (shim lost); kConflict - another
//         connection holds the guard; kTimeout.
// The caller pauses after arm() and, when disarm() says that it fired, throws
// away whatever was dumped: the guest ran meanwhile.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {

enum class GuardFired {
  kNot,
  kDeadline,  // the pause took longer than allowed
  kClosed,    // the agent that armed it went away
};

class PauseGuard {
 public:
  [[nodiscard]] static Result<PauseGuard> connect(
      const std::filesystem::path& shim_socket, Mono deadline);

  // From now on the guest is resumed after `budget`, whatever happens to us.
  [[nodiscard]] Result<void> arm(milliseconds budget, Mono deadline);

  // Takes the guard off. After kNot the guest is ours to resume.
  [[nodiscard]] Result<GuardFired> disarm(Mono deadline);

  // What became of the last arming; for a successor that found the VM.
  [[nodiscard]] Result<GuardFired> last(Mono deadline);

 private:
  explicit PauseGuard(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<std::string> hear(Mono deadline);
  Result<std::string> ask(std::string_view request, Mono deadline);

  UniqueFd socket_;
};

}  // namespace chrysalis::hypervisor
