#pragma once

// What both drivers have in common: which hypervisors there are, images, and
// the VM that is measured.
// Thread-safety: values.

#include <filesystem>
#include <string>

#include "src/base/result.h"
#include "src/hypervisor/backend.h"
#include "src/model/fields.h"

namespace chrysalis::bench {

inline constexpr uint64_t kMemoryBytes = uint64_t{64} << 20;
inline constexpr uint64_t kDiskBytes = uint64_t{16} << 20;
inline constexpr uint64_t kDiskDataBytes = uint64_t{2} << 20;
inline constexpr uint16_t kMtu = 1500;

struct Programs {
  std::filesystem::path build;  // the build directory
  std::filesystem::path cloud_hypervisor, firecracker, shim;
  uint32_t max_phys_bits = 0;  // of the guest that ejects
  bool simulated = true;

  [[nodiscard]] const std::filesystem::path& of(model::Hypervisor kind) const;
};

// The real ones where the environment names both and KVM opens.
Programs find_programs(const std::filesystem::path& build);

// ROOT/images/counter (of Cloud Hypervisor), counter-fc and, without a disk of
// its own, bare. The disks hold kDiskDataBytes that no hole saves from being
// copied.
Result<> make_images(const std::filesystem::path& root,
                     const Programs& programs);
std::string image_of(model::Hypervisor kind);

// One vCPU, one NIC, kMemoryBytes, kDiskBytes: what a first boot comes to.
model::VmConfig config_of(model::Hypervisor kind);

}  // namespace chrysalis::bench
