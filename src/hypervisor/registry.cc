#include "src/hypervisor/registry.h"

#include "src/hypervisor/cloud_hypervisor/backend.h"
#include "src/hypervisor/firecracker/backend.h"

namespace chrysalis::hypervisor {

std::unique_ptr<Backend> make_backend(model::Hypervisor kind,
                                      Timeouts timeouts) {
  switch (kind) {
    case model::Hypervisor::kCloudHypervisor:
      return std::make_unique<cloud_hypervisor::CloudHypervisor>(timeouts);
    case model::Hypervisor::kFirecracker:
      return std::make_unique<firecracker::Firecracker>(timeouts);
  }
  return nullptr;
}

}  // namespace chrysalis::hypervisor
