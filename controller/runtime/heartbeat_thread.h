#pragma once

// The thread that keeps an agent's lease fresh (liveness.h says when). It ends
// where another host lives under the node's name.
// Thread-safety: describe() and stop() from any thread, the rest too.
// Ownership: borrows api and timer; both outlive this.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "controller/runtime/liveness.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

class HeartbeatThread {
 public:
  // `settled` is told once, of the first of claimed() and taken_by(), by the
  // thread; it must not call stop().
  HeartbeatThread(const std::string& holder,
                  std::map<std::string, std::string> annotations, LeaseApi& api,
                  Timer& timer, std::function<void()> settled = {});
  ~HeartbeatThread();  // stop()
  HeartbeatThread(const HeartbeatThread&) = delete;
  HeartbeatThread& operator=(const HeartbeatThread&) = delete;

  // Written at once when it differs from what the lease says.
  void describe(std::map<std::string, std::string> annotations);
  // The lease was ours once: nobody else lives under this name.
  [[nodiscard]] bool claimed() const;
  // The holder that lives under it instead.
  [[nodiscard]] std::optional<std::string> taken_by() const;
  // Joins. The lease is left to run out: an agent that restarts within 40 s
  // is never taken for lost.
  void stop();

 private:
  void run();
  void carry_out(const Heartbeat::Plan& plan, std::unique_lock<std::mutex>& l);
  void read(const std::optional<LeaseRecord>& record);
  void settle(std::unique_lock<std::mutex>& lock);

  LeaseApi& api_;
  Timer& timer_;
  std::function<void()> settled_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Heartbeat heartbeat_;
  bool described_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace chrysalis::runtime
