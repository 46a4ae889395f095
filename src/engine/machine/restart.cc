#include "src/engine/machine/restart.h"

#include <algorithm>

namespace chrysalis::engine {
namespace {

seconds back_off(uint32_t in_a_row) {
  // Six doublings pass the limit; a larger shift would overflow.
  const auto doublings = std::min<uint32_t>(in_a_row, 6);
  return std::min(kFirstBackOff * (int64_t{1} << doublings), kLongestBackOff);
}

bool restarts(model::RestartPolicy policy, bool clean) {
  switch (policy) {
    case model::RestartPolicy::kAlways:
      return true;
    case model::RestartPolicy::kOnFailure:
      return !clean;
    case model::RestartPolicy::kNever:
      return false;
  }
  return false;
}

}  // namespace

ExitVerdict on_exit(model::RestartPolicy policy, const EndedVm& ended,
                    const RestartHistory& history, Wall now) {
  if (!restarts(policy, ended.clean))
    return {ended.clean ? OnExit::kSucceeded : OnExit::kFailed};
  const bool was_healthy =
      history.started_at && ended.at - *history.started_at >= kHealthyAfter;
  const uint32_t in_a_row = was_healthy ? 0 : history.in_a_row;
  ExitVerdict verdict{OnExit::kRestart};
  verdict.at = ended.at + back_off(in_a_row);
  verdict.in_a_row = in_a_row + 1;
  verdict.due = now >= verdict.at;
  return verdict;
}

}  // namespace chrysalis::engine
