#pragma once

// A Transport that answers from a list and remembers what was asked, for
// whoever sits on one. What a transport itself must do is not here: see
// fake_kube.h.
// Thread-safety: one thread.

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "controller/kube/transport.h"

namespace chrysalis::fakes {

class ScriptedTransport final : public kube::Transport {
 public:
  std::deque<Result<kube::Response>> answers;
  std::vector<kube::Request> requests;
  std::vector<Mono> deadlines;
  int refreshed = 0;

  ScriptedTransport& then(int status, std::string body = "",
                          std::optional<seconds> retry_after = {}) {
    answers.push_back(kube::Response{.status = status,
                                     .content_type = "application/json",
                                     .body = std::move(body),
                                     .retry_after = retry_after,
                                     .warnings = {}});
    return *this;
  }
  ScriptedTransport& then_fail(Code code) {
    answers.push_back(fail(code, "scripted"));
    return *this;
  }

  Result<kube::Response> send(const kube::Request& request, Mono deadline,
                              std::stop_token stop) override {
    if (stop.stop_requested()) return fail(Code::kUnavailable, "stopped");
    requests.push_back(request);
    deadlines.push_back(deadline);
    if (answers.empty()) return fail(Code::kUnavailable, "end of the script");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  Result<kube::StreamOutcome> stream(const kube::Request&, kube::StreamSink&,
                                     const kube::StreamLimits&,
                                     std::stop_token) override {
    return fail(Code::kUnsupported, "no streams in a script");
  }
  void refresh_credential() override { ++refreshed; }
};

}  // namespace chrysalis::fakes
