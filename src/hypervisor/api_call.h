#pragma once

// What the backends share above unix_http: a call with a time of its own, and
// the wait for a process whose API is on its way up.
// Thread-safety: no shared state.

#include "src/hypervisor/backend.h"
#include "src/hypervisor/unix_http.h"

namespace chrysalis::hypervisor {

[[nodiscard]] Result<HttpResponse> ask(const Vmm& vmm,
                                       const HttpRequest& request,
                                       milliseconds timeout);

// Repeats a request that has no effect until somebody answers. kUnavailable
// as soon as vmm.pidfd ended; kTimeout at the deadline.
[[nodiscard]] Result<HttpResponse> first_answer(const Vmm& vmm,
                                                const HttpRequest& request,
                                                Mono deadline);

}  // namespace chrysalis::hypervisor
