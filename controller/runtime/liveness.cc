#include "controller/runtime/liveness.h"

#include <algorithm>

namespace chrysalis::runtime {

namespace {
constexpr std::string_view kPrefix = "agent-";
constexpr seconds kRetry{2};
constexpr seconds kLookAgain{5};  // at another's lease
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

std::string agent_holder(std::string_view node, std::string_view instance) {
  return std::string(node).append("_").append(instance);
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
  if (watched_ && now < watched_->since + kAgentLostAfter) {
    plan.wake_at =
        std::min(read_at_ + kLookAgain, watched_->since + kAgentLostAfter);
    plan.read = now >= plan.wake_at;
    return plan;
  }
  const bool due = !renewed_at_ || now >= *renewed_at_ + kAgentRenews;
  if (!due && known_->annotations == wanted_) {
    plan.wake_at = *renewed_at_ + kAgentRenews;
    return plan;
  }
  LeaseRecord record = *known_;
  if (record.holder != holder_) {
    record.holder = holder_;
    record.acquire_time = wall;
  }
  record.duration_seconds = static_cast<int32_t>(kAgentLostAfter.count());
  record.renew_time = wall;
  record.annotations = wanted_;
  plan.write = std::move(record);
  return plan;
}

bool Heartbeat::is_anothers(const std::string& holder) const {
  return !holder.empty() && holder != holder_ &&
         !holder_.starts_with(holder + "_");
}

std::optional<std::string> Heartbeat::rival() const {
  if (!known_ || !is_anothers(known_->holder)) return std::nullopt;
  return known_->holder;
}

void Heartbeat::read(const std::optional<LeaseRecord>& record, Mono now) {
  known_ = record.value_or(LeaseRecord{});
  read_at_ = now;
  if (claimed_ || !is_anothers(known_->holder)) {
    watched_.reset();
  } else if (!watched_) {
    watched_ = Watched{known_->renew_time, now};
  } else if (watched_->renew_time != known_->renew_time) {
    taken_by_ = known_->holder;
  }
}

void Heartbeat::wrote(const LeaseRecord& record, Mono sent_at) {
  known_ = record;
  claimed_ = true;
  watched_.reset();
  renewed_at_ = sent_at;
  not_before_ = {};
}

void Heartbeat::failed(bool conflict, Mono now) {
  known_.reset();  // a timeout may have written it: look before the next
  if (conflict) return;
  not_before_ = now + kRetry;
  // The server was away for the other one too, which proves nothing.
  if (watched_) watched_->since = now;
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
