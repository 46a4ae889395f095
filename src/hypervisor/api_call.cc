#include "src/hypervisor/api_call.h"

#include <poll.h>

#include <algorithm>
#include <chrono>

namespace chrysalis::hypervisor {

Result<HttpResponse> ask(const Vmm& vmm, const HttpRequest& request,
                         milliseconds timeout) {
  auto answer = call(vmm.socket, request, Mono::clock::now() + timeout);
  if (!answer)
    return tl::unexpected(
        with_context(std::move(answer).error(), request.target));
  return answer;
}

namespace {

// Nothing tells when a socket begins to listen. A part of what was waited so
// far until the next look: little beside a short wait, and few in a long one.
timespec next_look(Mono since) {
  using std::chrono::nanoseconds;
  const auto part =
      std::clamp<nanoseconds>((Mono::clock::now() - since) / 4,
                              std::chrono::microseconds{50}, milliseconds{1});
  return {.tv_sec = 0, .tv_nsec = part.count()};
}

}  // namespace

Result<HttpResponse> first_answer(const Vmm& vmm, const HttpRequest& request,
                                  Mono deadline) {
  const Mono since = Mono::clock::now();
  for (;;) {
    auto answer = call(vmm.socket, request, deadline);
    if (answer || answer.error().code == Code::kInvalid) return answer;
    if (Mono::clock::now() >= deadline)
      return fail(Code::kTimeout,
                  "the API did not answer: " + answer.error().message);
    // Wakes at once when the process ends.
    pollfd process{.fd = vmm.pidfd, .events = POLLIN, .revents = 0};
    const timespec until = next_look(since);
    if (::ppoll(&process, 1, &until, nullptr) > 0)
      return fail(Code::kUnavailable, "the VMM ended before its API answered");
  }
}

}  // namespace chrysalis::hypervisor
