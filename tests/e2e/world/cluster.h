#pragma once

// The real API server of this test program, with crds/ applied, and the world
// of one node in it: a controller and an agent as processes.
//
// The server is started by the first test that asks for it, in the namespaces
// of enter_own_namespaces(); each world has a Kubernetes namespace of its own
// for objects, events and leases.
// Thread-safety: the test's main thread.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/transport.h"
#include "tests/e2e/world/world.h"
#include "tests/kube/api_server.h"

namespace chrysalis::e2e {

// Nothing, and a failure of the test, where it does not start.
kube_tools::ApiServer& api_server();

struct ClusterOptions {
  bool controller = true;
  bool agent = true;
};

class Cluster final : public World {
 public:
  explicit Cluster(ClusterOptions options = {});
  ~Cluster() override;

  void apply(const Manifest& manifest) override;
  std::string refusal(const Manifest& manifest) override;
  std::optional<json> wait_until(const Id& id, const Predicate& holds) override;
  void remove(const std::vector<Id>& ids) override;
  void kill_agent() override { agent_->kill(); }
  void start_agent() override { start_agent("agent runs"); }
  // Returns when it has said `until`.
  void start_agent(const std::string& until);
  int stop_agent() override { return agent_->stop(); }
  std::string logs() const override;
  std::string version(const Id& id) override;
  Host& host() override { return host_; }

  // One more; the first is [0]. By the kubeconfig given, else the world's.
  Program& start_controller(const std::string& kubeconfig = "");
  Program& controller(size_t index) { return *controllers_.at(index); }
  Program& agent() { return *agent_; }
  // What starts an agent: of this world, but for the kubeconfig given.
  [[nodiscard]] Words agent_words(const std::string& kubeconfig = "") const;
  [[nodiscard]] const std::string& ns() const { return ns_; }
  // Of this world alone: an agent takes its node's objects in any namespace.
  [[nodiscard]] std::string node() const { return "node-of-" + ns_; }
  kube_tools::Finished kubectl(Words words, const std::string& in = "") const;

  // Requests of our programs so far that would write our two kinds, oldest
  // first, whatever the answer was; the user's own are not among them.
  [[nodiscard]] std::vector<kube_tools::AuditEvent> writes() const;
  // Renewals of this lease so far, by whoever.
  [[nodiscard]] int renewals(const std::string& lease) const;
  // Waits, bounded, until the server's log holds as many more of each.
  using Renewals = std::map<std::string, int>;
  [[nodiscard]] bool await_renewals(const Renewals& more) const;

 private:
  static std::string new_namespace();

  const std::string ns_;
  Host host_;
  std::unique_ptr<kube::Transport> transport_;
  std::vector<std::unique_ptr<Program>> controllers_;
  std::optional<Program> agent_;
};

}  // namespace chrysalis::e2e
