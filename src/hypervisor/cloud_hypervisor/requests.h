#pragma once

// Cloud Hypervisor's dialect: model -> argv and HTTP, answers -> model. PURE.
// Bodies name every value that the shape of the guest depends on, so that a
// default of another release changes nothing. Unknown members are ignored by
// the VMM: a typo here would be silent, hence the golden files.
// Source: seen on v53.0; an error body is a JSON array, the chain from the
// outermost to the root; plain text before v53.

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/hypervisor/backend.h"
#include "src/hypervisor/http.h"

namespace chrysalis::hypervisor::cloud_hypervisor {

std::vector<std::string> argv();

HttpRequest ping();
HttpRequest info();
HttpRequest create(const BootSpec& spec);
HttpRequest boot();
HttpRequest pause();
HttpRequest resume();
HttpRequest snapshot(std::string_view directory);  // its name in kGuestDir
HttpRequest restore(const LoadSpec& spec);
HttpRequest remove_device(std::string_view id);
HttpRequest add_net(const NicSpec& nic, uint32_t queue_size);
HttpRequest power_button();
HttpRequest shut_down_vm();
HttpRequest shut_down_vmm();

// A 2xx, or the refusal with a code.
[[nodiscard]] Result<void> check(const HttpResponse& response);
// The state that a pause or resume asks for is there already.
[[nodiscard]] bool is_same_state(const HttpResponse& response);

[[nodiscard]] Result<std::string> decode_version(const HttpResponse& response);
// 404 (no configuration) is kNotStarted.
[[nodiscard]] Result<VmmState> decode_state(const HttpResponse& response);
// The configuration as echoed; disks without sizes, NICs without MTU.
[[nodiscard]] Result<ReadBack> decode_info(const HttpResponse& response);

}  // namespace chrysalis::hypervisor::cloud_hypervisor
