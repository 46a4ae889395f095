#include "tests/bench/drive/cluster_world.h"

#include <time.h>

#include <fstream>
#include <sstream>

#include "controller/kube/config/find_access.h"

namespace chrysalis::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSourceDir = CHRYSALIS_SOURCE_DIR;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void replace(std::string& text, const std::string& from,
             const std::string& to) {
  const auto at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
}

// kBare's definition, from that of virtual machines.
std::string bare_definition() {
  std::string text =
      text_of(fs::path(kSourceDir) / "crds/chrysalis.dev_virtualmachines.yaml");
  replace(text, "\"virtualmachines.chrysalis.dev\"",
          "\"baremachines.chrysalis.dev\"");
  replace(text, "kind: \"VirtualMachine\"", "kind: \"BareMachine\"");
  replace(text, "listKind: \"VirtualMachineList\"",
          "listKind: \"BareMachineList\"");
  replace(text, "plural: \"virtualmachines\"", "plural: \"baremachines\"");
  replace(text, "singular: \"virtualmachine\"", "singular: \"baremachine\"");
  replace(text, "- \"cvm\"", "- \"cbare\"");
  return text;
}

double megabytes_in(const std::string& status, const std::string& key) {
  const auto at = status.find(key);
  if (at == std::string::npos) return 0;
  return std::stod(status.substr(at + key.size())) / 1024;
}

std::string end_of(const fs::path& path) {
  const std::string all = text_of(path);
  constexpr size_t kEnd = 3000;
  return path.filename().string() + ":\n" +
         (all.size() <= kEnd ? all : all.substr(all.size() - kEnd));
}

}  // namespace

Result<Use> use_of(pid_t pid) {
  clockid_t clock{};
  timespec cpu{};
  if (::clock_getcpuclockid(pid, &clock) != 0 ||
      ::clock_gettime(clock, &cpu) != 0)
    return fail(Code::kNotFound,
                "process " + std::to_string(pid) + " has ended");
  const std::string status =
      text_of("/proc/" + std::to_string(pid) + "/status");
  return Use{.cpu_ms = static_cast<double>(cpu.tv_sec) * 1e3 +
                       static_cast<double>(cpu.tv_nsec) / 1e6,
             .rss_mb = megabytes_in(status, "VmRSS:"),
             .anonymous_mb = megabytes_in(status, "RssAnon:")};
}

Result<std::unique_ptr<ClusterWorld>> ClusterWorld::start(
    const Programs& programs, const fs::path& root) {
  std::unique_ptr<ClusterWorld> out(new ClusterWorld);
  out->root_ = root;
  CHRYSALIS_ASSIGN(out->server_, kube_tools::ApiServer::start());
  CHRYSALIS_TRY(out->install());
  CHRYSALIS_TRY(out->connect());
  CHRYSALIS_TRY(out->start_programs(programs));
  return out;
}

Result<> ClusterWorld::connect() {
  kube::AccessSources sources;
  sources.kubeconfig_flag = server_->kubeconfig_path();
  CHRYSALIS_ASSIGN(const kube::Access access, kube::find_access(sources));
  kube::beast::BeastOptions options;
  options.user_agent = "bench";
  CHRYSALIS_ASSIGN(transport_, kube::beast::BeastTransport::make(
                                   access, clock_, std::move(options)));
  client_ = std::make_unique<kube::Client>(*transport_, clock_);
  return {};
}

Result<> ClusterWorld::install() {
  const auto run = [this](const kube_tools::Finished& done) -> Result<> {
    if (done.exit == 0) return {};
    return fail(Code::kUnavailable, "kubectl: " + done.err);
  };
  CHRYSALIS_TRY(server_->install_crds());
  CHRYSALIS_TRY(run(server_->apply(bare_definition())));
  CHRYSALIS_TRY(run(server_->kubectl({"wait", "--for=condition=Established",
                                      "crd", "--all", "--timeout=30s"})));
  return run(server_->kubectl({"create", "namespace", "chrysalis-system"}));
}

Result<> ClusterWorld::start_programs(const Programs& programs) {
  const std::string program = programs.build / "controller/chrysalis";
  const std::string kubeconfig = server_->kubeconfig_path();
  CHRYSALIS_ASSIGN(controller_,
                   kube_tools::Child::start(
                       {program, "controller", "--kubeconfig", kubeconfig},
                       root_ / "controller.log"));
  std::vector<std::string> agent{program,
                                 "agent",
                                 "--node-name",
                                 kNode,
                                 "--kubeconfig",
                                 kubeconfig,
                                 "--state-dir",
                                 state(),
                                 "--image-root",
                                 root_ / "images",
                                 "--cloud-hypervisor",
                                 programs.cloud_hypervisor,
                                 "--firecracker",
                                 programs.firecracker,
                                 "--shim",
                                 programs.shim};
  if (programs.max_phys_bits != 0) {
    agent.emplace_back("--max-phys-bits");
    agent.push_back(std::to_string(programs.max_phys_bits));
  }
  CHRYSALIS_ASSIGN(agent_,
                   kube_tools::Child::start(agent, root_ / "agent.log"));
  return {};
}

std::string ClusterWorld::logs() const {
  return end_of(root_ / "controller.log") + end_of(root_ / "agent.log");
}

}  // namespace chrysalis::bench
