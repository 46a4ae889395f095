#pragma once

// state.json of a Cloud Hypervisor snapshot, in the shape v53.0 writes it:
// {"snapshots": {"cpu-manager": ..., "memory-manager": ..., "device-manager":
// ...}, "snapshot_data": {"state": "<JSON text>"}}, with the states of the
// devices as JSON text inside strings. Registers and PCI words are left out;
// everything that describes the topology is there and is what a restore uses.
// Pure.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/fakes/fake_vmm/ch/error.h"

namespace chrysalis::fake_vmm::ch {

struct DeviceState {
  bool is_disk = false;
  uint64_t sectors = 0;              // disk
  std::string path;                  // disk
  std::string mac;                   // net
  uint16_t mtu = 0;                  // net
  std::vector<uint16_t> queue_size;  // net: with the control queue
  std::vector<uint16_t> queue_max;
  uint8_t slot = 0;
};

struct MachineState {
  uint32_t vcpus = 0;
  uint64_t memory_bytes = 0;
  uint8_t rng_slot = 0;
  std::map<std::string, DeviceState> devices;  // by id
};

nlohmann::json encode_state(const MachineState& machine);
Vm<MachineState> decode_state(const std::string& text);

}  // namespace chrysalis::fake_vmm::ch
