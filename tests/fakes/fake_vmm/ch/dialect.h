#pragma once

// The Cloud Hypervisor process: the stored configuration, at most one
// machine, the event monitor, and what happens when the guest stops.
// Thread-safety: none; one thread.

#include <map>
#include <memory>
#include <string>

#include "tests/fakes/fake_vmm/ch/error.h"
#include "tests/fakes/fake_vmm/ch/events.h"
#include "tests/fakes/fake_vmm/ch/machine.h"
#include "tests/fakes/fake_vmm/dialect.h"

namespace chrysalis::fake_vmm::ch {

class CloudHypervisor final : public Dialect {
 public:
  CloudHypervisor(Events events, bool no_shutdown, Faults& faults);

  HttpReply handle(const HttpRequest& request) override;
  void tick() override;
  void add_to(std::vector<pollfd>& fds) const override { serial_.add_to(fds); }
  void serve(const std::vector<pollfd>& fds) override { serial_.serve(fds); }
  void terminate() override;

 private:
  // A call's answer: nothing (204) or a JSON document (200).
  using Answer = Vm<nlohmann::json>;
  using Body = std::optional<std::string>;
  struct Call {
    const char* method;
    bool wants_body;
    const char* step;   // in the fault list
    const char* error;  // of the API, put round every error of the VM
    Answer (CloudHypervisor::*run)(const Body& body);
  };
  static const std::map<std::string, Call>& calls();

  HttpReply run(const Call& call, const HttpRequest& request);
  Answer ping(const Body& body);
  Answer create(const Body& body);
  Answer boot(const Body& body);
  Answer info(const Body& body);
  Answer counters(const Body& body);
  Answer pause(const Body& body);
  Answer resume(const Body& body);
  Answer snapshot(const Body& body);
  Answer restore(const Body& body);
  Answer remove_device(const Body& body);
  Answer add_net(const Body& body);
  Answer shut_down(const Body& body);
  Answer reboot(const Body& body);
  Answer remove(const Body& body);
  Answer power_button(const Body& body);
  Answer end_process(const Body& body);
  Answer unsupported(const Body& body);

  Vm<> open_console();
  Vm<> restart();
  MachineDeps deps();
  void guest_stopped(GuestEvent event);

  Events events_;
  bool no_shutdown_;
  Faults& faults_;
  Fault fault_;  // of the call being served
  unsigned ticks_ = 0;
  Serial serial_;
  bool console_open_ = false;
  std::optional<nlohmann::json> config_;
  std::unique_ptr<Machine> machine_;
};

}  // namespace chrysalis::fake_vmm::ch
