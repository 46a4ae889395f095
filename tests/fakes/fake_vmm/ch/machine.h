#pragma once

// One virtual machine inside Cloud Hypervisor: devices, their TAPs, disks and
// locks, and the guest. Built from a configuration (boot) or from a snapshot:
// then vCPUs, memory, MACs, queues and capacities come from state.json, and
// the configuration only says which files and TAPs to open.
//
//   build -> kCreated -> boot -> kRunning <-> kPaused
//   restore -----------------------------------^
//
// Removed NICs stay (device, id, slot, TAP) until the guest ejects them;
// those of a snapshot taken before the eject are ghosts: nothing ejects them.
// Thread-safety: none. Ownership: borrows events, serial and config.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tests/fakes/fake_vmm/ch/error.h"
#include "tests/fakes/fake_vmm/ch/events.h"
#include "tests/fakes/fake_vmm/ch/state.h"
#include "tests/fakes/fake_vmm/faults.h"
#include "tests/fakes/fake_vmm/machine/guest.h"

namespace chrysalis::fake_vmm::ch {

enum class RunState { kCreated, kRunning, kPaused };
std::string_view to_string(RunState state);

struct MachineDeps {
  nlohmann::json& config;
  Serial& serial;
  Events& events;
  bool may_claim_taps = false;
};

class Machine {
 public:
  static Vm<std::unique_ptr<Machine>> build(MachineDeps deps);
  static Vm<std::unique_ptr<Machine>> restore(MachineDeps deps,
                                              const std::string& directory,
                                              bool on_demand);

  Vm<> boot();
  Vm<> pause();
  Vm<> resume();
  // `damage`: the file is cut in half; kEnospc reports it, kShort does not.
  Vm<> snapshot(const std::string& url, Fault::Kind damage);
  Vm<> remove_device(const std::string& id);
  Vm<nlohmann::json> add_net(nlohmann::json net);

  GuestEvent tick();
  void press_power_button() { guest_->press_power_button(); }
  void decide(GuestEvent event) { guest_->decide(event); }
  void shut_down();

  [[nodiscard]] RunState state() const { return state_; }
  [[nodiscard]] bool filling() const { return guest_->ram().filling(); }
  [[nodiscard]] nlohmann::json device_tree() const;

 private:
  struct Device {
    DeviceState state;
    std::optional<Disk> disk;
    std::optional<Tap> tap;
    bool removed = false;
    bool ghost = false;
  };

  explicit Machine(MachineDeps deps) : deps_(deps) {}
  Vm<> open_devices(const MachineState* saved);
  Vm<> open_disk_device(nlohmann::json& config, const MachineState* saved);
  Vm<> open_net_device(nlohmann::json& config, const MachineState* saved);
  Vm<> lock_disks();
  Vm<> set_up_ram(Os<Ram> ram);
  std::string name(nlohmann::json& config, const char* prefix);
  uint8_t free_slot() const;
  void refresh_shape();
  void eject_removed();

  MachineDeps deps_;
  uint32_t vcpus_ = 0;
  uint64_t memory_bytes_ = 0;
  uint8_t rng_slot_ = 0;
  int next_name_ = 0;
  std::map<std::string, Device> devices_;
  std::unique_ptr<Guest> guest_;
  RunState state_ = RunState::kCreated;
};

}  // namespace chrysalis::fake_vmm::ch
