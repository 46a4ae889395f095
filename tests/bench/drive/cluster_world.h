#pragma once

// A real API server, `chrysalis controller` and `chrysalis agent` as users run
// them, and a client of our own beside them. Everything is on one host: what
// one of them uses the others do not have.
// Thread-safety: one thread starts; clients from any.
// Ownership: owns processes and connections; all end with it.

#include <filesystem>
#include <memory>
#include <string>

#include "controller/kube/beast/beast_transport.h"
#include "controller/kube/client.h"
#include "tests/bench/drive/node_setup.h"
#include "tests/kube/api_server.h"

namespace chrysalis::bench {

inline constexpr kube::Resource kVms{"chrysalis.dev", "v1alpha1",
                                     "virtualmachines", "VirtualMachine"};
inline constexpr kube::Resource kSnapshots{"chrysalis.dev", "v1alpha1",
                                           "vmsnapshots", "VMSnapshot"};
// The same schema and rules under another name, which nobody reconciles: for
// bare writes of the same size.
inline constexpr kube::Resource kBare{"chrysalis.dev", "v1alpha1",
                                      "baremachines", "BareMachine"};

inline constexpr const char* kNode = "bench-node";

struct Use {
  double cpu_ms = 0;  // since its start, all threads, without children
  double rss_mb = 0;
  double anonymous_mb = 0;  // of rss_mb: what no other process may share
};
Result<Use> use_of(pid_t pid);

class ClusterWorld {
 public:
  static Result<std::unique_ptr<ClusterWorld>> start(
      const Programs& programs, const std::filesystem::path& root);

  [[nodiscard]] kube::Client& client() { return *client_; }
  [[nodiscard]] kube::Transport& transport() { return *transport_; }
  [[nodiscard]] const kube_tools::ApiServer& server() const { return *server_; }
  [[nodiscard]] std::filesystem::path state() const { return root_ / "state"; }
  [[nodiscard]] pid_t agent() const { return agent_.pid(); }
  [[nodiscard]] pid_t controller() const { return controller_.pid(); }
  void end_controller() { controller_.kill(); }
  // The end of both logs, for a failure.
  [[nodiscard]] std::string logs() const;

 private:
  ClusterWorld() = default;
  Result<> connect();
  Result<> install();
  Result<> start_programs(const Programs& programs);

  SystemClock clock_;
  std::filesystem::path root_;
  std::unique_ptr<kube_tools::ApiServer> server_;
  std::unique_ptr<kube::beast::BeastTransport> transport_;
  std::unique_ptr<kube::Client> client_;
  kube_tools::Child controller_, agent_;
};

}  // namespace chrysalis::bench
