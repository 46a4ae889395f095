#include "controller/runtime/cluster/agent_roster.h"

#include <algorithm>
#include <utility>

#include "src/base/log.h"

namespace chrysalis::runtime {
namespace {

ReflectorOptions with(ReflectorOptions options, bool metadata_only,
                      std::function<void()> on_synced) {
  options.metadata_only = metadata_only;
  options.on_synced = std::move(on_synced);
  return options;
}

// Of a Node nothing counts but that it is there.
Result<std::shared_ptr<const void>> existence(const kube::ObjectMeta&,
                                              kube::PaddedJson) {
  static const auto kThere = std::make_shared<const bool>(true);
  return kThere;
}

}  // namespace

AgentRoster::AgentRoster(Deps deps, std::string lease_namespace,
                         const ReflectorOptions& options)
    : deps_(deps),
      lease_namespace_(std::move(lease_namespace)),
      lease_reflector_({deps.transport, leases_.core(), deps.timer},
                       {.resource = kube::kLeases, .ns = lease_namespace_},
                       project, with(options, false, [this] { changed(); })),
      node_reflector_({deps.transport, nodes_, deps.timer},
                      {.resource = kube::kNodes}, existence,
                      with(options, true, [this] { changed(); })) {
  leases_.core().add_handler(
      [this](const Delivery& delivery) { lease_changed(delivery); });
  nodes_.add_handler(
      [this](const Delivery& delivery) { node_changed(delivery); });
}

AgentRoster::~AgentRoster() { stop(); }

void AgentRoster::on_change(std::function<void()> changed) {
  handlers_.push_back(std::move(changed));
}

void AgentRoster::start() {
  thread_ = std::thread([this] { run(); });
  lease_reflector_.start();
  node_reflector_.start();
}

void AgentRoster::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  node_reflector_.stop();
  lease_reflector_.stop();
  if (thread_.joinable()) thread_.join();
}

bool AgentRoster::synced() const {
  return lease_reflector_.synced() && node_reflector_.synced();
}

std::vector<reconcile::Agent> AgentRoster::agents() const {
  std::vector<reconcile::Agent> out;
  const std::lock_guard lock(mutex_);
  out.reserve(known_.size());
  for (const auto& [node, known] : known_) {
    const bool exists = nodes_.get({"", node}) != nullptr;
    if (!known.has_lease && known.lost && !exists) continue;
    reconcile::Agent agent;
    agent.node = node;
    agent.node_exists = exists;
    // Without facts nothing can be placed there; it may live all the same.
    agent.alive = !known.lost;
    if (known.facts) {
      agent.allocatable = known.facts->memory;
      agent.programs = known.facts->programs;
    }
    out.push_back(std::move(agent));
  }
  return out;
}

AgentRoster::AgentLease AgentRoster::read(const kube::Lease& lease) {
  AgentLease out;
  if (lease.renew_time) out.renewal = to_rfc3339_micro(*lease.renew_time);
  auto facts = api::decode_agent_facts(lease.annotations);
  if (facts) {
    out.facts = std::move(*facts);
  } else if (node_of_lease(lease.name)) {
    log::warning("agent not understood",
                 {{"lease", lease.name}, {"error", facts.error().message}});
  }
  return out;
}

Result<std::shared_ptr<const void>> AgentRoster::project(
    const kube::ObjectMeta&, kube::PaddedJson text) {
  CHRYSALIS_ASSIGN(const kube::Lease lease, kube::read_lease(text.text()));
  return std::make_shared<const AgentLease>(read(lease));
}

void AgentRoster::lease_changed(const Delivery& delivery) {
  const auto node = node_of_lease(delivery.key.name);
  if (!node) return;
  const auto lease = leases_.get(delivery.key);
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    Known& known = known_[*node];
    if (lease) {
      const Mono now = deps_.timer.mono();
      news = !judge_.alive(*node, now) || known.facts != lease->facts;
      judge_.observe(*node, lease->renewal, now);
      if (judge_.alive(*node, now)) known.lost = false;
      known.facts = lease->facts;
    }
    known.has_lease = lease != nullptr;
    seen_ = true;
    wake_.notify_all();
  }
  if (news) changed();
}

void AgentRoster::node_changed(const Delivery& delivery) {
  if (delivery.change == Change::kUpdated) return;
  const std::string& node = delivery.key.name;
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(node);
    if (delivery.change == Change::kAdded && known == known_.end()) {
      known_[node];
      judge_.observe(node, "", deps_.timer.mono());
    } else if (delivery.change == Change::kDeleted && known != known_.end() &&
               known->second.never_spoke()) {
      known_.erase(known);
      judge_.forget(node);
      silent_.erase(node);
    }
    seen_ = true;
    wake_.notify_all();
  }
  changed();
}

void AgentRoster::changed() {
  for (const auto& handler : handlers_) handler();
}

void AgentRoster::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    seen_ = false;
    judge(deps_.timer.mono());
    bool news = false;
    if (!silent_.empty() && ask_at_ <= deps_.timer.mono()) news = ask(lock);
    if (news) {
      lock.unlock();
      changed();
      lock.lock();
      continue;
    }
    std::optional<Mono> wake_at = judge_at_;
    if (!silent_.empty())
      wake_at = std::min(wake_at.value_or(ask_at_), ask_at_);
    while (!stopping_ && !seen_ && (!wake_at || deps_.timer.mono() < *wake_at))
      deps_.timer.wait(lock, wake_, wake_at);
  }
}

void AgentRoster::judge(Mono now) {
  LivenessJudge::Verdicts verdicts = judge_.judge(now);
  judge_at_ = verdicts.wake_at;
  for (const std::string& node : verdicts.returned) silent_.erase(node);
  for (std::string& node : verdicts.lost) {
    if (silent_.empty()) ask_at_ = now;
    silent_.insert(std::move(node));
  }
}

bool AgentRoster::ask(std::unique_lock<std::mutex>& lock) {
  bool news = false;
  for (const std::string& node : std::set<std::string>(silent_)) {
    const auto known = known_.find(node);
    if (known == known_.end()) continue;  // its Node went meanwhile
    if (known->second.never_spoke()) {    // nothing to read: it has no agent
      silent_.erase(node);
      known->second.lost = news = true;
      continue;
    }
    lock.unlock();
    const auto lease = deps_.client.get_lease(
        {.ns = lease_namespace_, .name = agent_lease_name(node)});
    lock.lock();
    if (stopping_) return false;
    if (silent_.contains(node)) news |= answered(node, lease);
  }
  ask_at_ = deps_.timer.mono() + kAskAgain;
  return news;
}

bool AgentRoster::answered(const std::string& node,
                           const Result<kube::Lease>& lease) {
  if (!lease && lease.error().code != Code::kNotFound) {
    log::warning("a silent agent's lease was not read",
                 {{"node", node}, {"error", lease.error().message}});
    return false;
  }
  silent_.erase(node);
  if (lease) {
    const Mono now = deps_.timer.mono();
    judge_.observe(node, read(*lease).renewal, now);
    if (judge_.alive(node, now)) {
      log::warning("a lease was renewed unseen", {{"node", node}});
      return false;
    }
  }
  known_[node].lost = true;
  log::warning("agent lost", {{"node", node}});
  return true;
}

}  // namespace chrysalis::runtime
