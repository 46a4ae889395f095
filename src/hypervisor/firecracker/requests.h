#pragma once

// Firecracker's dialect: model -> argv and HTTP, answers -> model. PURE.
// The VMM refuses unknown members, so what a release does not have is left out
// by its version: `mtu`, the serial rate limiter and clock_realtime are of
// 1.16. Its rings are 256, its I/O is buffered, its memory whole MiB.
// Source: seen on v1.16.1. Errors are 400 {"fault_message": ".."}.

#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/hypervisor/backend.h"
#include "src/hypervisor/http.h"

namespace chrysalis::hypervisor::firecracker {

inline constexpr uint32_t kRingSize = 256;

std::vector<std::string> argv();

HttpRequest version();
HttpRequest describe();        // GET /
HttpRequest machine_config();  // GET
HttpRequest vm_config();       // GET

// All of a boot, in order; the last one starts the guest.
std::vector<HttpRequest> boot(const BootSpec& spec, const Version& vmm);
// All of a load, in order; the guest stays paused.
std::vector<HttpRequest> load(const LoadSpec& spec, const Version& vmm);
HttpRequest pause();
HttpRequest resume();
HttpRequest snapshot(std::string_view directory);  // its name in kGuestDir
HttpRequest ctrl_alt_del();

// A 2xx, or the refusal with a code.
[[nodiscard]] Result<void> check(const HttpResponse& response);
[[nodiscard]] Result<std::string> decode_version(const HttpResponse& response);
[[nodiscard]] Result<VmmState> decode_state(const HttpResponse& response);
// Both answers together: NICs sorted by id, as they come unordered; disks
// without sizes (the file's counts).
[[nodiscard]] Result<ReadBack> decode_shape(const HttpResponse& machine,
                                            const HttpResponse& config);

}  // namespace chrysalis::hypervisor::firecracker
