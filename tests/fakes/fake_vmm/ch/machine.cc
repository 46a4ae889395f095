#include "tests/fakes/fake_vmm/ch/machine.h"

#include <cstdio>

#include "tests/fakes/fake_vmm/ch/config.h"
#include "tests/fakes/fake_vmm/machine/kernel_image.h"

namespace chrysalis::fake_vmm::ch {
namespace {

using nlohmann::json;

constexpr size_t kMaxFile = 64ULL << 20;
// What the background fill of an on-demand restore does in one tick.
constexpr uint64_t kFillPerTick = 32ULL << 20;

tl::unexpected<VmError> tap_failed(const TapError& error) {
  const std::string why = os_error(error.error);
  const auto opened = [&](std::string what) {
    return vm_error("Error from device manager",
                    "Cannot create virtio-net device", "Failed to open taps",
                    "Open tap device failed", what, why);
  };
  const auto set = [&](std::string what) {
    return vm_error("Error from device manager",
                    "Cannot create virtio-net device", "Failed to open taps",
                    what, "Ioctl failed", why);
  };
  switch (error.step) {
    case TapError::Step::kOpenTun:
      return opened("Couldn't open /dev/net/tun");
    case TapError::Step::kName:
      return opened("Interface name too long (max length is 15)");
    case TapError::Step::kConfigure:
      return opened("Unable to configure tap interface");
    case TapError::Step::kMtu:
      return set("Setting MTU failed");
    case TapError::Step::kEnable:
      return set("Enabling tap interface failed");
    case TapError::Step::kHeader:
      return set("Setting vnet header size failed");
  }
  return vm_error("Error from device manager");
}

tl::unexpected<VmError> transition(const char* outer, const char* inner,
                                   RunState from, RunState to) {
  return vm_error(outer, inner,
                  "Invalid transition: InvalidStateTransition(" +
                      std::string(to_string(from)) + ", " +
                      std::string(to_string(to)) + ")");
}

std::string bdf(uint8_t slot) {
  char text[16];
  std::snprintf(text, sizeof text, "0000:00:%02x.0", slot);
  return text;
}

}  // namespace

std::string_view to_string(RunState state) {
  switch (state) {
    case RunState::kCreated:
      return "Created";
    case RunState::kRunning:
      return "Running";
    case RunState::kPaused:
      return "Paused";
  }
  return "";
}

Vm<std::unique_ptr<Machine>> Machine::build(MachineDeps deps) {
  if (const auto bad = validate(deps.config)) {
    return vm_error("Failed to validate config", *bad);
  }
  std::unique_ptr<Machine> machine(new Machine(deps));
  machine->vcpus_ = deps.config["cpus"]["boot_vcpus"].get<uint32_t>();
  machine->memory_bytes_ = deps.config["memory"]["size"].get<uint64_t>();
  if (auto done = machine->set_up_ram(Ram::blank(machine->memory_bytes_));
      !done) {
    return tl::unexpected<VmError>(done.error());
  }
  if (auto done = machine->open_devices(nullptr); !done) {
    return tl::unexpected<VmError>(done.error());
  }
  return machine;
}

Vm<std::unique_ptr<Machine>> Machine::restore(MachineDeps deps,
                                              const std::string& directory,
                                              bool on_demand) {
  const auto text = read_text(directory + "/state.json", kMaxFile);
  if (!text) {
    return vm_error(
        "Cannot restore VM", "Failed to receive migratable component snapshot",
        "Error opening VM state snapshot file \"" + directory + "/state.json\"",
        os_error(text.error()));
  }
  auto saved = decode_state(*text);
  if (!saved) return tl::unexpected<VmError>(saved.error());
  if (const auto bad = validate(deps.config)) {
    return vm_error("Failed to validate config", *bad);
  }
  std::unique_ptr<Machine> machine(new Machine(deps));
  machine->vcpus_ = saved->vcpus;
  machine->memory_bytes_ = saved->memory_bytes;
  const std::string file = directory + "/memory-ranges";
  auto ram = on_demand ? Ram::on_demand(file, saved->memory_bytes)
                       : Ram::copy(file, saved->memory_bytes);
  if (!ram) {
    return vm_error("Memory manager error", "Failed to open snapshot file",
                    os_error(ram.error()));
  }
  if (auto done = machine->set_up_ram(std::move(ram)); !done) {
    return tl::unexpected<VmError>(done.error());
  }
  if (auto done = machine->open_devices(&*saved); !done) {
    return tl::unexpected<VmError>(done.error());
  }
  deps.events.emit("vm", "restoring");
  if (auto done = machine->lock_disks(); !done) {
    return tl::unexpected<VmError>(done.error());
  }
  machine->state_ = RunState::kPaused;
  deps.events.emit("vm", "restored");
  return machine;
}

Vm<> Machine::set_up_ram(Os<Ram> ram) {
  if (!ram) {
    return vm_error("Memory manager error", "Failed to create guest memory",
                    os_error(ram.error()));
  }
  guest_ = std::make_unique<Guest>(std::move(*ram), deps_.serial);
  return {};
}

std::string Machine::name(json& config, const char* prefix) {
  if (!config["id"].is_string()) {
    config["id"] = prefix + std::to_string(next_name_++);
  }
  return config["id"].get<std::string>();
}

uint8_t Machine::free_slot() const {
  for (uint8_t slot = 1; slot < 32; ++slot) {
    bool taken = slot == rng_slot_;
    for (const auto& [id, device] : devices_) {
      taken = taken || device.state.slot == slot;
    }
    if (!taken) return slot;
  }
  return 31;
}

Vm<> Machine::open_devices(const MachineState* saved) {
  for (const char* list : {"disks", "net"}) {
    if (!deps_.config[list].is_array()) continue;
    const bool disks = list == std::string_view("disks");
    for (json& config : deps_.config[list]) {
      auto done = disks ? open_disk_device(config, saved)
                        : open_net_device(config, saved);
      if (!done) return done;
    }
  }
  rng_slot_ = saved == nullptr ? free_slot() : saved->rng_slot;
  if (saved != nullptr) {
    for (const auto& [id, state] : saved->devices) {
      if (!devices_.contains(id)) {
        devices_.emplace(id, Device{state, {}, {}, true, true});
      }
    }
  }
  refresh_shape();
  return {};
}

Vm<> Machine::open_disk_device(json& config, const MachineState* saved) {
  const std::string id = name(config, "_disk");
  if (!config["path"].is_string()) {
    return vm_error("Error from device manager",
                    "No disk path was specified when one was expected");
  }
  const auto path = config["path"].get<std::string>();
  auto disk = open_disk(path, config["readonly"].get<bool>());
  if (!disk) {
    return vm_error("Error from device manager", "Cannot open disk path",
                    "I/O error (path=" + path + " op=open)",
                    os_error(disk.error()));
  }
  Device device;
  if (saved != nullptr && saved->devices.contains(id)) {
    device.state = saved->devices.at(id);
  } else if (saved != nullptr) {
    return vm_error("Error from device manager",
                    "Failed retrieving device state from snapshot", id);
  } else {
    device.state = {true, disk->bytes / 512, path, "", 0, {}, {}, free_slot()};
    device.state.queue_max.assign(config["num_queues"].get<size_t>(),
                                  config["queue_size"].get<uint16_t>());
  }
  device.state.path = path;
  device.disk = std::move(*disk);
  devices_.emplace(id, std::move(device));
  return {};
}

Vm<> Machine::open_net_device(json& config, const MachineState* saved) {
  const std::string id = name(config, "_net");
  TapRequest wish;
  wish.name = config["tap"].is_string() ? config["tap"].get<std::string>() : "";
  wish.multi_queue = config["num_queues"].get<uint64_t>() > 2;
  if (config["mtu"].is_number()) wish.mtu = config["mtu"].get<uint16_t>();
  wish.enable = true;
  wish.may_claim = deps_.may_claim_taps;
  auto tap = open_tap(wish);
  if (!tap) return tap_failed(tap.error());
  if (config["host_mac"].is_null()) config["host_mac"] = tap->mac;
  Device device;
  if (saved != nullptr && saved->devices.contains(id)) {
    device.state = saved->devices.at(id);
  } else if (saved != nullptr) {
    return vm_error("Error from device manager",
                    "Failed retrieving device state from snapshot", id);
  } else {
    const auto size = config["queue_size"].get<uint16_t>();
    const auto queues = config["num_queues"].get<size_t>() + 1;
    device.state.mac = config["mac"].get<std::string>();
    device.state.mtu = tap->mtu;
    device.state.queue_size.assign(queues, size);
    device.state.queue_max.assign(queues, size);
    device.state.slot = free_slot();
  }
  device.tap = std::move(*tap);
  devices_.emplace(id, std::move(device));
  return {};
}

Vm<> Machine::lock_disks() {
  for (const auto& [id, device] : devices_) {
    if (!device.disk) continue;
    if (auto done = lock_disk(*device.disk); !done) {
      return vm_error(
          "Error locking disk images: Another instance likely holds a lock",
          "Cannot lock images of all block devices",
          std::string("Failed to get ") +
              (device.disk->readonly ? "Read" : "Write") +
              " lock for disk image: " + device.state.path,
          done.error() == EAGAIN || done.error() == EACCES
              ? "The file is already locked"
              : "The lock state could not be checked or set");
    }
  }
  return {};
}

Vm<> Machine::boot() {
  if (auto locked = lock_disks(); !locked) return locked;
  const json& payload = deps_.config["payload"];
  const auto kernel = read_text(payload["kernel"].is_string()
                                    ? payload["kernel"].get<std::string>()
                                    : payload["firmware"].get<std::string>(),
                                kMaxFile);
  if (!kernel) {
    return vm_error("Cannot open kernel file", os_error(kernel.error()));
  }
  const KernelImage image = read_kernel(*kernel);
  if (!image.valid) {
    return vm_error("Cannot load the kernel into memory",
                    "Kernel Loader: failed to load bzImage kernel image: "
                    "Kernel Loader: Invalid bzImage",
                    "Kernel Loader: Invalid bzImage");
  }
  if (!image.pvh_elf && kernel->starts_with("\x7f"
                                            "ELF")) {
    return vm_error("Kernel lacks PVH header");
  }
  if (payload["initramfs"].is_string()) {
    const auto initrd =
        read_text(payload["initramfs"].get<std::string>(), kMaxFile);
    if (!initrd) {
      return vm_error("Cannot open initramfs file", os_error(initrd.error()));
    }
  }
  uint32_t abilities = image.abilities;
  if ((abilities & kEjectsAt36Bits) != 0 &&
      deps_.config["cpus"]["max_phys_bits"] == 36) {
    abilities |= kEjects;
  }
  guest_->cold_boot(abilities);
  guest_->run();
  state_ = RunState::kRunning;
  return {};
}

Vm<> Machine::pause() {
  deps_.events.emit("vm", "pausing");
  if (state_ == RunState::kPaused) {
    return transition("Cannot pause VM", "Failed to pause migratable component",
                      state_, RunState::kPaused);
  }
  guest_->park();
  state_ = RunState::kPaused;
  deps_.events.emit("vm", "paused");
  return {};
}

Vm<> Machine::resume() {
  deps_.events.emit("vm", "resuming");
  if (state_ == RunState::kRunning) {
    return transition("Cannot resume VM",
                      "Failed to resume migratable component", state_,
                      RunState::kRunning);
  }
  guest_->run();
  state_ = RunState::kRunning;
  deps_.events.emit("vm", "resumed");
  return {};
}

void Machine::refresh_shape() {
  GuestShape shape{vcpus_, memory_bytes_, {}, {}};
  for (const auto& [id, device] : devices_) {
    if (device.disk) {
      shape.disks.push_back({id, device.disk->fd.get(), device.state.sectors,
                             device.disk->readonly});
    } else if (!device.state.is_disk) {
      shape.nics.push_back({id, device.state.mac, device.state.mtu});
    }
  }
  guest_->set_shape(std::move(shape));
}

Vm<> Machine::remove_device(const std::string& id) {
  const auto it = devices_.find(id);
  if (it == devices_.end() || !ch::remove_device(deps_.config, id)) {
    return vm_error("Error from device manager",
                    "Failed to find device corresponding to the given "
                    "identifier: " +
                        id);
  }
  it->second.removed = true;
  return {};
}

Vm<json> Machine::add_net(json net) {
  json changed = deps_.config;
  if (!changed["net"].is_array()) changed["net"] = json::array();
  changed["net"].push_back(net);
  if (const auto bad = validate(changed)) {
    return vm_error("Failed to validate config", *bad);
  }
  if (net["id"].is_string() &&
      devices_.contains(net["id"].get<std::string>())) {
    return vm_error("Error from device manager",
                    "Invalid identifier as it is not unique: " +
                        net["id"].get<std::string>());
  }
  if (auto done = open_net_device(net, nullptr); !done) {
    return tl::unexpected<VmError>(done.error());
  }
  changed["net"].back() = net;
  deps_.config = std::move(changed);
  refresh_shape();
  const auto id = net["id"].get<std::string>();
  return json{{"id", id}, {"bdf", bdf(devices_.at(id).state.slot)}};
}

void Machine::eject_removed() {
  bool any = false;
  for (auto it = devices_.begin(); it != devices_.end();) {
    if (!it->second.removed || it->second.ghost) {
      ++it;
      continue;
    }
    deps_.events.emit("vm", "device-removed",
                      {{"id", it->first}, {"bdf", bdf(it->second.state.slot)}});
    it = devices_.erase(it);
    any = true;
  }
  if (any) refresh_shape();
}

GuestEvent Machine::tick() {
  if (guest_->ram().filling()) guest_->ram().fill(kFillPerTick);
  if (!guest_->running()) return GuestEvent::kNone;
  if ((guest_->abilities() & kEjects) != 0) eject_removed();
  return guest_->tick();
}

void Machine::shut_down() { guest_->park(); }

json Machine::device_tree() const {
  json tree = json::object();
  for (const char* fixed : {"__ioapic", "__serial", "__rng"}) {
    tree[fixed] = {{"id", fixed},
                   {"resources", json::array()},
                   {"children", json::array()}};
  }
  tree["_virtio-pci-__rng"] = {{"id", "_virtio-pci-__rng"},
                               {"resources", json::array()},
                               {"children", json::array({"__rng"})},
                               {"pci_bdf", bdf(rng_slot_)}};
  for (const auto& [id, device] : devices_) {
    const std::string pci = "_virtio-pci-" + id;
    tree[id] = {{"id", id},
                {"resources", json::array()},
                {"parent", pci},
                {"children", json::array()},
                {"pci_bdf", nullptr}};
    tree[pci] = {{"id", pci},
                 {"resources", json::array()},
                 {"parent", nullptr},
                 {"children", json::array({id})},
                 {"pci_bdf", bdf(device.state.slot)}};
  }
  return tree;
}

}  // namespace chrysalis::fake_vmm::ch
