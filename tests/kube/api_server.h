#pragma once

// A real API server for a test or the demo: its own etcd and kube-apiserver,
// in a temporary directory, with its own certificates, on a free loopback
// port. Ready in about 3 s; parallel processes each start their own.
//
// What it is not: there is no controller manager, scheduler or kubelet, so
// nothing collects garbage, deletes a namespace or fakes a node; no default
// service account exists (create one, then `kubectl create token`).
//
// The programs come from KUBEBUILDER_ASSETS or ~/.cache/chrysalis
// (tests/kube/tools/build puts them there).
// Thread-safety: start, stop and restart from the main thread (process.h says
// why); the accessors and kubectl() from any.
// Errors: kUnavailable with the end of the server's log; kNotFound - the
// programs are not built.
// Ownership: owns processes and directory; both go with it, the processes
// also when this process dies of SIGKILL.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "tests/kube/process.h"

namespace chrysalis::kube_tools {

// One request that the server wrote into its audit log: those of
// the groups chrysalis.dev, events.k8s.io and coordination.k8s.io, and core
// events. A request is in the log before the server acts on it.
struct AuditEvent {
  std::string verb;      // create, patch, update, delete, get, list
  std::string group;     // chrysalis.dev
  std::string resource;  // virtualmachines
  std::string subresource;
  std::string ns;
  std::string name;
  std::string user;
  std::string user_agent;
  int code = 0;  // of the answer; 0 while there is none

  // create, update, patch or delete, whatever the answer was.
  [[nodiscard]] bool is_write() const;
};

class ApiServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;
  ~ApiServer();

  [[nodiscard]] std::string url() const;  // https://127.0.0.1:PORT
  [[nodiscard]] std::filesystem::path directory() const { return dir_; }
  // An administrator by client certificate, and one by token; both name their
  // cluster's CA, all data inline.
  [[nodiscard]] std::filesystem::path kubeconfig_path() const;
  [[nodiscard]] std::filesystem::path token_kubeconfig_path() const;
  [[nodiscard]] std::filesystem::path ca_path() const;
  [[nodiscard]] std::filesystem::path client_cert_path() const;
  [[nodiscard]] std::filesystem::path client_key_path() const;
  [[nodiscard]] std::string token() const;
  [[nodiscard]] std::filesystem::path kubectl_path() const;
  [[nodiscard]] pid_t api_server_pid() const { return api_server_.pid(); }
  [[nodiscard]] pid_t etcd_pid() const { return etcd_.pid(); }

  // Runs kubectl as administrator, at most a minute. A kubectl that cannot be
  // started or that hangs is exit 127 or 124 with the reason in err.
  [[nodiscard]] Finished kubectl(const std::vector<std::string>& args,
                                 const std::string& input = "") const;
  // kubectl apply -f - of one or more YAML documents.
  [[nodiscard]] Finished apply(const std::string& yaml) const;

  // crds/ of this source, until the server serves them.
  [[nodiscard]] Result<void> install_crds() const;

  // All audited requests so far, oldest first.
  [[nodiscard]] std::vector<AuditEvent> audit_events() const;
  // How many writes to this resource, its subresources included.
  [[nodiscard]] std::size_t writes(const std::string& resource) const;

  // Kills the API server and leaves etcd: connections break, then are
  // refused. restart() brings it back on the same port with the same data.
  void stop();
  [[nodiscard]] Result<void> restart();

 private:
  ApiServer(std::filesystem::path programs, std::filesystem::path dir,
            UniqueFd lock);
  Result<void> write_files();
  Result<void> wait_until_ready();
  [[nodiscard]] std::string log_end(const std::string& name) const;

  std::filesystem::path programs_;
  std::filesystem::path dir_;
  UniqueFd lock_;  // held while the directory is in use
  std::string token_;
  int port_ = 0;
  Child etcd_;
  Child api_server_;  // ends before etcd_: its SIGTERM hangs without one
};

}  // namespace chrysalis::kube_tools
