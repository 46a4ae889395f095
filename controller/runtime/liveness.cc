#include "controller/runtime/liveness.h"

#include <algorithm>

namespace chrysalis::runtime {

namespace {
constexpr std::string_view kPrefix = "agent-";
constexpr seconds kRetry{2};
}  // namespace

std::string agent_lease_name(std::string_view node) {
  return std::string(kPrefix).append(node);
}

std::optional<std::string> node_of_lease(std::string_view name) {
  if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) {
    return std::nullopt;
  }
  return std::string(name.substr(kPrefix.size()));
}

void Heartbeat::describe(std::map<std::string, std::string> annotations) {
  wanted_ = std::move(annotations);
}

Heartbeat::Plan Heartbeat::plan(Mono now, Wall wall) const {
  Plan plan;
  if (now < not_before_) {
    plan.wake_at = not_before_;
    return plan;
  }
  if (!known_) {
    plan.read = true;
    return plan;
  }
  const bool due = !renewed_at_ || now >= *renewed_at_ + kAgentRenews;
  if (!due && known_->annotations == wanted_) {
    plan.wake_at = *renewed_at_ + kAgentRenews;
    return plan;
  }
  LeaseRecord record = *known_;
  if (record.holder != node_) {
    record.holder = node_;
    record.acquire_time = wall;
  }
  record.duration_seconds = static_cast<int32_t>(kAgentLostAfter.count());
  record.renew_time = wall;
  record.annotations = wanted_;
  plan.write = std::move(record);
  return plan;
}

void Heartbeat::read(const std::optional<LeaseRecord>& record) {
  known_ = record.value_or(LeaseRecord{});
}

void Heartbeat::wrote(const LeaseRecord& record, Mono sent_at) {
  known_ = record;
  renewed_at_ = sent_at;
  not_before_ = {};
}

void Heartbeat::failed(bool conflict, Mono now) {
  known_.reset();  // a timeout may have written it: look before the next
  if (!conflict) not_before_ = now + kRetry;
}

void LivenessJudge::observe(const std::string& node, std::string_view renewal,
                            Mono now) {
  const auto [it, fresh] = seen_.try_emplace(node, Seen{"", now});
  if (!fresh && it->second.renewal == renewal) return;
  it->second.renewal = renewal;
  it->second.changed_at = now;
}

bool LivenessJudge::alive(const std::string& node, Mono now) const {
  const auto found = seen_.find(node);
  return found != seen_.end() &&
         now < found->second.changed_at + kAgentLostAfter;
}

LivenessJudge::Verdicts LivenessJudge::judge(Mono now) {
  Verdicts out;
  for (auto& [node, seen] : seen_) {
    const Mono until = seen.changed_at + kAgentLostAfter;
    const bool lost = now >= until;
    if (lost && !seen.told_lost) out.lost.push_back(node);
    if (!lost && seen.told_lost) out.returned.push_back(node);
    seen.told_lost = lost;
    if (!lost) out.wake_at = std::min(out.wake_at.value_or(until), until);
  }
  std::sort(out.lost.begin(), out.lost.end());
  std::sort(out.returned.begin(), out.returned.end());
  return out;
}

}  // namespace chrysalis::runtime
