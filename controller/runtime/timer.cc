#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

void SystemTimer::wait(std::unique_lock<std::mutex>& lock,
                       std::condition_variable& signal,
                       std::optional<Mono> deadline) {
  if (deadline) {
    signal.wait_until(lock, *deadline);
  } else {
    signal.wait(lock);
  }
}

}  // namespace chrysalis::runtime
