#pragma once

// One hypervisor as its client sees it. The process's loop hands it requests,
// ticks and signals, one at a time, and ends when it says so.
// Thread-safety: none; one thread.

#include <poll.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fakes/fake_vmm/faults.h"
#include "tests/fakes/fake_vmm/http/request.h"
#include "tests/fakes/fake_vmm/http/server.h"

namespace chrysalis::fake_vmm {

class Dialect {
 public:
  virtual ~Dialect() = default;

  virtual HttpReply handle(const HttpRequest& request) = 0;
  virtual void tick() = 0;  // every kTickMs
  virtual void add_to(std::vector<pollfd>& fds) const = 0;
  virtual void serve(const std::vector<pollfd>& fds) = 0;
  // SIGTERM or SIGINT, where the dialect handles them.
  virtual void terminate() = 0;

  // Set: the queued answers go out, then the process ends with this code.
  [[nodiscard]] std::optional<int> exit_code() const { return exit_code_; }

 protected:
  void end(int code) { exit_code_ = code; }

 private:
  std::optional<int> exit_code_;
};

// What a fault leaves to do. run(): hangs, waits and dies as told.
struct FaultGate {
  Fault fault;
  bool blocks_sigterm = false;

  // False when the step must fail without being done.
  [[nodiscard]] bool enter() const;
  // After the step: dies, or marks the reply as dropped.
  void leave(HttpReply& reply) const;
};

struct CloudHypervisorOptions {
  std::string event_monitor;  // a path, or "" for none
  int event_monitor_fd = -1;
  bool no_shutdown = false;
};

std::unique_ptr<Dialect> make_cloud_hypervisor(CloudHypervisorOptions options,
                                               Faults& faults);
std::unique_ptr<Dialect> make_firecracker(std::string instance_id,
                                          Faults& faults);

// What --version says; "simulated" is in each, so that nobody is misled.
constexpr std::string_view kCloudHypervisorVersion = "v53.0-simulated";
constexpr std::string_view kFirecrackerVersion = "1.16.1-simulated";
constexpr std::string_view kFirecrackerSnapshotVersion = "10.0.0";

}  // namespace chrysalis::fake_vmm
