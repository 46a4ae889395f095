#pragma once

// The thread that keeps an agent's lease fresh (liveness.h says when).
// Thread-safety: describe() and stop() from any thread.
// Ownership: borrows api and timer; both outlive this.

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "controller/runtime/liveness.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

class HeartbeatThread {
 public:
  HeartbeatThread(const std::string& node,
                  std::map<std::string, std::string> annotations, LeaseApi& api,
                  Timer& timer);
  ~HeartbeatThread();  // stop()
  HeartbeatThread(const HeartbeatThread&) = delete;
  HeartbeatThread& operator=(const HeartbeatThread&) = delete;

  // Written at once when it differs from what the lease says.
  void describe(std::map<std::string, std::string> annotations);
  // Joins. The lease is left to run out: an agent that restarts within 40 s
  // is never taken for lost.
  void stop();

 private:
  void run();
  void carry_out(const Heartbeat::Plan& plan, std::unique_lock<std::mutex>& l);

  LeaseApi& api_;
  Timer& timer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Heartbeat heartbeat_;
  bool described_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace chrysalis::runtime
