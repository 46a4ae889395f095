#include "src/hypervisor/api_call.h"

#include <poll.h>

namespace chrysalis::hypervisor {

Result<HttpResponse> ask(const Vmm& vmm, const HttpRequest& request,
                         milliseconds timeout) {
  auto answer = call(vmm.socket, request, Mono::clock::now() + timeout);
  if (!answer)
    return tl::unexpected(
        with_context(std::move(answer).error(), request.target));
  return answer;
}

Result<HttpResponse> first_answer(const Vmm& vmm, const HttpRequest& request,
                                  Mono deadline) {
  for (;;) {
    auto answer = call(vmm.socket, request, deadline);
    if (answer || answer.error().code == Code::kInvalid) return answer;
    if (Mono::clock::now() >= deadline)
      return fail(Code::kTimeout,
                  "the API did not answer: " + answer.error().message);
    // Nothing tells when a socket begins to listen: look again each
    // millisecond, and wake at once when the process ends.
    pollfd process{.fd = vmm.pidfd, .events = POLLIN, .revents = 0};
    if (::poll(&process, 1, 1) > 0)
      return fail(Code::kUnavailable, "the VMM ended before its API answered");
  }
}

}  // namespace chrysalis::hypervisor
