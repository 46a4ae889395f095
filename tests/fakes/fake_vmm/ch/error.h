#pragma once

// An error of Cloud Hypervisor: the chain of texts from the outside in, as
// its API prints it, and whether it is one of the two that make a 404.

#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace chrysalis::fake_vmm::ch {

struct VmError {
  std::vector<std::string> chain;
  bool not_found = false;
};

template <class T = void>
using Vm = tl::expected<T, VmError>;

template <class... Text>
tl::unexpected<VmError> vm_error(Text... chain) {
  return tl::unexpected<VmError>(VmError{{std::string(chain)...}, false});
}

}  // namespace chrysalis::fake_vmm::ch
