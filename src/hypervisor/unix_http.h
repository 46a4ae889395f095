#pragma once

// One HTTP/1.1 exchange over a unix socket: connect, send, read, close.
//
// Made for the VMMs' server: Content-Length bodies only, an empty reason
// phrase, 204 without a length, and a half-closed connection drops the answer,
// so the socket is closed only after it. A client that goes away cancels
// nothing: the VMM finishes the work.
// Thread-safety: no shared state. Blocks the caller until the deadline.
// Errors: kUnavailable - nobody listens (no effect), or it is overloaded (503);
//         kTimeout - the deadline passed or the connection broke after the
//           request was on its way: the effect is unknown, observe again;
//         kCorrupt - what came back is not HTTP, or is above max_body;
//         kInvalid - the path is too long, or what has the name is a link, no
//           socket, or another user's: nothing was connected to.

#include <cstddef>
#include <filesystem>

#include "src/base/clock.h"
#include "src/base/result.h"
#include "src/hypervisor/http.h"

namespace chrysalis::hypervisor {

// Real time: the deadline of a wait in the kernel, not of a policy.
using Deadline = Mono;

inline constexpr size_t kMaxBody = size_t{4} << 20;

// Any status is a value; what it means is the dialect's business.
[[nodiscard]] Result<HttpResponse> call(const std::filesystem::path& socket,
                                        const HttpRequest& request,
                                        Deadline deadline,
                                        size_t max_body = kMaxBody);

// Only connects, and closes again: is somebody listening?
[[nodiscard]] Result<void> knock(const std::filesystem::path& socket,
                                 Deadline deadline);

}  // namespace chrysalis::hypervisor
