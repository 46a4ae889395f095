#include "tests/fakes/fake_vmm/ch/state.h"

#include <algorithm>
#include <cstdio>

namespace chrysalis::fake_vmm::ch {
namespace {

using nlohmann::json;

constexpr uint64_t kHole = 0xc0000000;  // RAM goes on at 4 GiB
constexpr uint64_t kFourGiB = 1ULL << 32;

json node(const json& state, json children = json::object()) {
  return {{"snapshots", std::move(children)},
          {"snapshot_data",
           state.is_null() ? json() : json{{"state", state.dump()}}}};
}

json memory_ranges(uint64_t bytes) {
  json data = json::array();
  data.push_back({{"gpa", 0}, {"length", std::min(bytes, kHole)}});
  if (bytes > kHole) {
    data.push_back({{"gpa", kFourGiB}, {"length", bytes - kHole}});
  }
  return {{"data", data}};
}

json mac_bytes(const std::string& mac) {
  unsigned b[6] = {};
  std::sscanf(mac.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2],
              &b[3], &b[4], &b[5]);
  return json::array({b[0], b[1], b[2], b[3], b[4], b[5]});
}

std::string mac_text(const json& bytes) {
  if (!bytes.is_array() || bytes.size() != 6) return "";
  unsigned b[6] = {};
  for (size_t i = 0; i < 6; ++i) {
    if (!bytes[i].is_number_unsigned()) return "";
    b[i] = bytes[i].get<unsigned>() & 0xffU;
  }
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1],
                b[2], b[3], b[4], b[5]);
  return text;
}

json device_state(const DeviceState& device) {
  if (device.is_disk) {
    return {{"disk_path", device.path},
            {"disk_nsectors", device.sectors},
            {"avail_features", 0},
            {"acked_features", 0},
            {"config", {{"capacity", device.sectors}, {"blk_size", 512}}}};
  }
  return {{"avail_features", 0},
          {"acked_features", 0},
          {"config",
           {{"mac", mac_bytes(device.mac)},
            {"status", 0},
            {"max_virtqueue_pairs", 1},
            {"mtu", device.mtu},
            {"speed", 0},
            {"duplex", 0}}},
          {"queue_size", device.queue_size}};
}

json pci_state(const DeviceState& device) {
  json queues = json::array();
  for (const uint16_t max : device.queue_max) {
    queues.push_back({{"max_size", max},
                      {"size", max},
                      {"ready", false},
                      {"desc_table", 0},
                      {"avail_ring", 0},
                      {"used_ring", 0}});
  }
  return node({{"device_activated", false},
               {"queues", queues},
               {"interrupt_status", 0},
               {"cap_pci_cfg_offset", 0},
               {"cap_pci_cfg", json::array()},
               {"slot", device.slot}});
}

const json* child(const json& parent, const char* name) {
  const auto all = parent.find("snapshots");
  if (all == parent.end() || !all->is_object()) return nullptr;
  const auto it = all->find(name);
  return it == all->end() || !it->is_object() ? nullptr : &*it;
}

json inner(const json* from) {
  if (from == nullptr) return json();
  const auto data = from->find("snapshot_data");
  if (data == from->end() || !data->is_object()) return json();
  const auto text = data->find("state");
  if (text == data->end() || !text->is_string()) return json();
  return json::parse(text->get<std::string>(), nullptr, false);
}

std::vector<uint16_t> sizes(const json& list) {
  std::vector<uint16_t> out;
  if (!list.is_array()) return out;
  for (const json& item : list) {
    const json& size = item.is_object() ? item.value("max_size", json()) : item;
    if (size.is_number_unsigned()) out.push_back(size.get<uint16_t>());
  }
  return out;
}

tl::unexpected<VmError> broken(const std::string& why) {
  return vm_error("Cannot restore VM", "Failed to restore migratable component",
                  "Error deserialising: " + why);
}

Vm<DeviceState> decode_device(const json& manager, const std::string& id,
                              const json& state) {
  DeviceState device;
  if (state.contains("disk_nsectors")) {
    device.is_disk = true;
    if (!state["disk_nsectors"].is_number_unsigned()) {
      return broken("disk_nsectors");
    }
    device.sectors = state["disk_nsectors"].get<uint64_t>();
    device.path = state.value("disk_path", "");
  } else {
    const json config = state.value("config", json::object());
    device.mac = mac_text(config.value("mac", json()));
    device.mtu = config.value("mtu", uint16_t{0});
    device.queue_size = sizes(state.value("queue_size", json()));
    if (device.mac.empty()) return broken("missing field `mac`");
  }
  const json pci = inner(child(manager, ("_virtio-pci-" + id).c_str()));
  if (!pci.is_object()) return broken("no PCI state of " + id);
  device.queue_max = sizes(pci.value("queues", json()));
  device.slot = pci.value("slot", uint8_t{0});
  return device;
}

}  // namespace

json encode_state(const MachineState& machine) {
  json cpus = json::object();
  for (uint32_t i = 0; i < machine.vcpus; ++i) {
    cpus[std::to_string(i)] = node({{"kvm", "simulated"}});
  }
  json devices = json::object();
  json tree = json::object();
  for (const auto& [id, device] : machine.devices) {
    const std::string pci = "_virtio-pci-" + id;
    devices[id] = node(device_state(device));
    devices[pci] = pci_state(device);
    tree[id] = {{"id", id},
                {"resources", json::array()},
                {"parent", pci},
                {"children", json::array()},
                {"pci_bdf", nullptr}};
    tree[pci] = {{"id", pci},
                 {"resources", json::array()},
                 {"parent", nullptr},
                 {"children", json::array({id})},
                 {"pci_bdf", nullptr}};
  }
  DeviceState rng;
  rng.queue_max = {128};
  rng.slot = machine.rng_slot;
  devices["_virtio-pci-__rng"] = pci_state(rng);
  devices["__rng"] = node({{"avail_features", 0}, {"acked_features", 0}});
  devices["__ioapic"] = node({{"id_reg", 0}});
  devices["__serial"] = node({{"interrupt_enable", 0}});
  const json memory = {{"memory_ranges", memory_ranges(machine.memory_bytes)},
                       {"guest_ram_mappings", json::array()},
                       {"start_of_device_area", 0},
                       {"boot_ram", machine.memory_bytes},
                       {"current_ram", machine.memory_bytes},
                       {"arch_mem_regions", json::array()},
                       {"hotplug_slots", json::array()},
                       {"next_memory_slot", 1},
                       {"selected_slot", 0},
                       {"next_hotplug_slot", 0}};
  return node({{"clock", nullptr}, {"common_cpuid", json::array()}},
              {{"cpu-manager", node(json(), cpus)},
               {"memory-manager", node(memory)},
               {"device-manager",
                node({{"device_tree", tree}, {"device_id_cnt", 0}}, devices)}});
}

Vm<MachineState> decode_state(const std::string& text) {
  const json root = json::parse(text, nullptr, false);
  if (!root.is_object()) {
    return vm_error("Cannot restore VM",
                    "Failed to receive migratable component snapshot",
                    "Error deserialising VM state snapshot",
                    "expected value at line 1 column 1");
  }
  const json* cpus = child(root, "cpu-manager");
  const json* manager = child(root, "device-manager");
  const json memory = inner(child(root, "memory-manager"));
  if (cpus == nullptr || manager == nullptr || !memory.is_object()) {
    return broken("missing section");
  }
  MachineState machine;
  machine.vcpus =
      static_cast<uint32_t>(cpus->value("snapshots", json::object()).size());
  const json ranges = memory.value("memory_ranges", json::object());
  for (const json& range : ranges.value("data", json::array())) {
    machine.memory_bytes += range.value("length", uint64_t{0});
  }
  const json rng = inner(child(*manager, "_virtio-pci-__rng"));
  machine.rng_slot =
      rng.is_object() ? rng.value("slot", uint8_t{0}) : uint8_t{0};
  const json all = manager->value("snapshots", json::object());
  for (const auto& [id, unused] : all.items()) {
    const json state = inner(child(*manager, id.c_str()));
    if (!state.contains("disk_nsectors") && !state.contains("queue_size")) {
      continue;
    }
    auto device = decode_device(*manager, id, state);
    if (!device) return tl::unexpected<VmError>(device.error());
    machine.devices[id] = std::move(*device);
  }
  if (machine.vcpus == 0 || machine.memory_bytes == 0) {
    return broken("no vCPU or no memory");
  }
  return machine;
}

}  // namespace chrysalis::fake_vmm::ch
