#pragma once

// The agents of a cluster: a watch of the leases of one namespace and one of
// the Node objects (their names only), judged by the controller's own clock.
//
// An agent is lost only when the server itself says so: before that is told,
// its lease is read anew, as a watch may be blind for a minute without
// knowing. While the lease cannot be read, the agent counts as it counted.
// An agent whose lease was deleted is lost by time like any other, and
// forgotten then. A Node without a lease is a row too: lost by time since it
// was first seen, so that leases that are deleted or not written yet (a
// reinstalled namespace) make nobody lost at once, and nobody gone.
// Life: on_change, then start(), then stop() or destruction.
// Thread-safety: start, stop and on_change from one thread, the rest from any.
// Ownership: borrows everything in Deps; all of it outlives this. Its client's
// stop token should end when this is to stop: a read under way ends by it.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "controller/api/objects/agent_facts.h"
#include "controller/kube/client.h"
#include "controller/runtime/cluster/reflector.h"
#include "controller/runtime/executor/agents.h"
#include "controller/runtime/liveness.h"
#include "controller/runtime/store.h"

namespace chrysalis::runtime {

class AgentRoster final : public AgentsSource {
 public:
  static constexpr seconds kAskAgain{2};  // after a lease could not be read

  struct Deps {
    kube::Client& client;
    kube::Transport& transport;
    Timer& timer;
  };
  AgentRoster(Deps deps, std::string lease_namespace,
              const ReflectorOptions& options = {});
  ~AgentRoster() override;  // stop()
  AgentRoster(const AgentRoster&) = delete;
  AgentRoster& operator=(const AgentRoster&) = delete;

  void start();
  void stop();

  [[nodiscard]] std::vector<reconcile::Agent> agents() const override;
  [[nodiscard]] bool synced() const override;
  void on_change(std::function<void()> changed) override;

 private:
  struct AgentLease {
    std::string renewal;  // changes with each renewal
    std::optional<api::AgentFacts> facts;
  };
  struct Known {
    std::optional<api::AgentFacts> facts;
    bool has_lease = false;
    bool lost = false;
    [[nodiscard]] bool never_spoke() const { return !has_lease && !facts; }
  };
  static AgentLease read(const kube::Lease& lease);
  static Result<std::shared_ptr<const void>> project(
      const kube::ObjectMeta& meta, kube::PaddedJson text);

  void lease_changed(const Delivery& delivery);
  void node_changed(const Delivery& delivery);
  void changed();
  void run();
  void judge(Mono now);
  // With the lock, released meanwhile. True when agents() changed.
  bool ask(std::unique_lock<std::mutex>& lock);
  bool answered(const std::string& node, const Result<kube::Lease>& lease);

  const Deps deps_;
  const std::string lease_namespace_;
  std::vector<std::function<void()>> handlers_;
  Store<AgentLease> leases_;
  StoreCore nodes_;  // by name; nothing is kept of them

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Known> known_;  // by node
  LivenessJudge judge_;
  std::set<std::string> silent_;  // too long, by what we saw: to be asked
  Mono ask_at_{};
  std::optional<Mono> judge_at_;
  bool seen_ = false;  // a renewal, since the thread last looked
  bool stopping_ = false;

  Reflector lease_reflector_;  // after the stores: they end first
  Reflector node_reflector_;
  std::thread thread_;
};

}  // namespace chrysalis::runtime
