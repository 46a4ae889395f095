#pragma once

// The shape of a guest as its snapshot froze it: what the VMM's own files or
// answers say, never what a record remembers. Two topologies of one VM must be
// equal across dump, load and read-back.
//
// PURE. Thread-safety: values. Order: disks and NICs in the guest's order;
// compare NICs by id where a VMM answers unordered (Firecracker).

#include <cstdint>
#include <string>
#include <vector>

#include "src/model/values.h"

namespace chrysalis::model {

enum class DiskRole : uint8_t { kRoot, kData };  // exactly one root: disk0

struct TopologyDisk {
  std::string id;
  DiskRole role = DiskRole::kRoot;
  Bytes bytes{};            // 0: the VMM does not say, the file's size counts
  uint32_t queue_size = 0;  // virtio-blk ring depth
  bool read_only = false;
  friend bool operator==(const TopologyDisk&, const TopologyDisk&) = default;
};

struct TopologyNic {
  std::string id;
  std::string mac;          // what the guest sees, lower case
  uint16_t mtu = 0;         // 0: the VMM does not say
  uint32_t queue_size = 0;  // virtio-net ring depth
  friend bool operator==(const TopologyNic&, const TopologyNic&) = default;
};

struct Topology {
  uint32_t cpu = 0;
  Bytes memory{};
  std::vector<TopologyDisk> disks;
  std::vector<TopologyNic> nics;
  // Width of guest physical addresses. 0: the VMM has no such setting.
  uint32_t max_phys_bits = 0;
  friend bool operator==(const Topology&, const Topology&) = default;
};

}  // namespace chrysalis::model
