#pragma once

// One thread that runs an Election against a LeaseApi.
// Thread-safety: leads() and stop() from any thread.
// Ownership: borrows api and timer; both outlive this.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "controller/runtime/election.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

class Elector {
 public:
  struct Callbacks {
    std::function<void()> on_leading;  // once
    std::function<void()> on_lost;     // once; the process is to exit
  };

  Elector(std::string identity, ElectionOptions options, LeaseApi& api,
          Timer& timer, Callbacks callbacks);
  ~Elector();  // stop()
  Elector(const Elector&) = delete;
  Elector& operator=(const Elector&) = delete;

  // As of now, by the clock: false once the renew deadline has passed, also
  // while a renewal hangs and before on_lost. A hint, no fence: a write of who
  // led a moment ago is stopped by its own precondition alone.
  [[nodiscard]] bool leads() const;

  // Releases the lease if it is ours and joins. REQUIRES: what the lease
  // guards has ended. Not from a callback.
  void stop();

 private:
  void run();
  election::Input carry_out(const election::Action& action);
  election::Input wait(Mono until);

  LeaseApi& api_;
  Timer& timer_;
  Callbacks callbacks_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Election election_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace chrysalis::runtime
