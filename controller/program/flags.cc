#include "controller/program/flags.h"

#include <algorithm>
#include <cctype>

#include <CLI/CLI.hpp>

#include "controller/program/config_file.h"

namespace chrysalis::program {
namespace {

std::string environment_name(const std::string& flag) {
  std::string out = "CHRYSALIS";
  for (const char c : "-" + flag) {
    out += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  }
  return out;
}

// A flag that may also stand in the environment and in the file.
template <class T>
CLI::Option* setting(CLI::App& app, const std::string& flag, T& value,
                     const std::string& doc) {
  return app.add_option("--" + flag, value, doc)
      ->envname(environment_name(flag))
      ->capture_default_str();
}

void time_setting(CLI::App& app, const std::string& flag, milliseconds& value,
                  const std::string& doc) {
  app.add_option_function<int64_t>(
         "--" + flag + "-milliseconds",
         [&value](const int64_t& n) { value = milliseconds{n}; }, doc)
      ->envname(environment_name(flag + "-milliseconds"))
      ->check(CLI::Range(int64_t{1}, int64_t{600'000}))
      ->default_str(std::to_string(value.count()));
}

void log_flags(CLI::App& app, LogOptions& log) {
  setting(app, "log-level", log.level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
}

void state_flag(CLI::App& app, std::filesystem::path& state_dir) {
  setting(app, "state-dir", state_dir,
          "records, disks and snapshots of this node");
}

void node_flags(CLI::App& app, NodeFlags& node) {
  setting(app, "node-name", node.node_name,
          "this node; empty: the host's name");
  state_flag(app, node.state_dir);
  setting(app, "image-root", node.image_root, "empty: STATE/images");
  setting(app, "import-root", node.import_root, "empty: STATE/imports");
  setting(app, "network-root", node.network_root, "empty: STATE/networks");
  setting(app, "cloud-hypervisor", node.cloud_hypervisor, "the program");
  setting(app, "firecracker", node.firecracker, "the program");
  setting(app, "shim", node.shim, "chrysalis-shim; empty: beside this program");
  time_setting(app, "max-pause", node.max_pause,
               "longest pause that a snapshot may cost its VM");
  time_setting(app, "max-restore-pause", node.max_restore_pause,
               "longest pause of a restore's target before the commit");
  setting(app, "verify", node.verify,
          "hash a snapshot's files once a boot, or always before use")
      ->check(CLI::IsMember({"once", "always"}));
  setting(app, "max-phys-bits", node.max_phys_bits,
          "width of guest addresses on Cloud Hypervisor; 0: its default");
}

void cluster_flags(CLI::App& app, ClusterFlags& cluster) {
  setting(app, "kubeconfig", cluster.kubeconfig,
          "empty: $KUBECONFIG, then in-cluster, then ~/.kube/config");
  setting(app, "context", cluster.context, "of the kubeconfig");
  setting(app, "lease-namespace", cluster.lease_namespace,
          "where the leases of agents and controllers live");
}

void webhook_flags(CLI::App& app, WebhookFlags& webhook) {
  setting(app, "webhook-listen", webhook.listen,
          "HOST:PORT that answers admission reviews; empty: none");
  setting(app, "webhook-cert", webhook.certificate,
          "PEM file: the webhook's certificate and its chain");
  setting(app, "webhook-key", webhook.key, "PEM file: its key");
}

// All subcommands, each with the options it fills.
struct Commands {
  explicit Commands(CLI::App& root);
  [[nodiscard]] Result<Options> chosen() const;

  AgentOptions agent;
  ControllerOptions controller;
  StandaloneOptions standalone;
  DeleteOptions remove;
  CheckOptions check;
  std::string target;  // KIND/NAME
  CLI::App *agent_app, *controller_app, *standalone_app, *delete_app,
      *check_app, *version_app;
};

Commands::Commands(CLI::App& root)
    : agent_app(root.add_subcommand("agent", "Run the VMs of one node.")),
      controller_app(root.add_subcommand(
          "controller", "Place VMs on nodes; watch over the agents.")),
      standalone_app(root.add_subcommand(
          "standalone", "Run the VMs of a directory of manifests.")),
      delete_app(root.add_subcommand(
          "delete", "Delete an object of a standalone host, data included.")),
      check_app(root.add_subcommand(
          "check", "Say offline what the API server would say.")),
      version_app(root.add_subcommand("version", "Print the version.")) {
  log_flags(*agent_app, agent.log);
  node_flags(*agent_app, agent.node);
  cluster_flags(*agent_app, agent.cluster);
  log_flags(*controller_app, controller.log);
  cluster_flags(*controller_app, controller.cluster);
  webhook_flags(*controller_app, controller.webhook);
  log_flags(*standalone_app, standalone.log);
  node_flags(*standalone_app, standalone.node);
  setting(*standalone_app, "manifests", standalone.manifests,
          "the directory of manifests (required)");
  state_flag(*delete_app, remove.state_dir);
  delete_app->add_option("target", target, "KIND/NAME, as in cvm/web")
      ->required();
  delete_app->add_option("-n,--namespace", remove.ns, "its namespace")
      ->capture_default_str();
  delete_app
      ->add_option_function<int64_t>(
          "--timeout-seconds",
          [this](const int64_t& n) { remove.timeout = seconds{n}; },
          "how long to wait until it is gone")
      ->check(CLI::Range(int64_t{1}, int64_t{600}))
      ->default_str("60");
  check_app->add_option("files", check.files, "manifests; -: standard input")
      ->required();
  check_app->add_option("-o,--output", check.output, "text, json or sarif")
      ->check(CLI::IsMember({"text", "json", "sarif"}))
      ->capture_default_str();
}

Result<Options> Commands::chosen() const {
  if (agent_app->parsed()) return agent;
  if (controller_app->parsed()) return controller;
  if (version_app->parsed()) return VersionOptions{};
  if (check_app->parsed()) return check;
  if (standalone_app->parsed()) {
    if (standalone.manifests.empty()) {
      return fail(Code::kInvalid,
                  "--manifests is missing: name the directory to run");
    }
    return standalone;
  }
  const auto slash = target.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == target.size()) {
    return fail(Code::kInvalid,
                target + ": expected KIND/NAME, as in virtualmachine/web");
  }
  DeleteOptions out = remove;
  out.kind = target.substr(0, slash);
  out.name = target.substr(slash + 1);
  return out;
}

// Settings of the file, under the flags and the environment.
Result<> apply_file(CLI::App& command, const std::string& file) {
  CHRYSALIS_ASSIGN(const auto settings, read_settings(file));
  for (const auto& s : settings) {
    const std::string where = file + ":" + std::to_string(s.line) + ": ";
    auto* option = command.get_option_no_throw("--" + s.key);
    if (option == nullptr || option->get_envname().empty()) {
      return fail(Code::kInvalid, where + s.key + ": no such setting; see " +
                                      command.get_name() + " --help");
    }
    if (option->count() > 0) continue;
    try {
      option->add_result(s.value);
      option->run_callback();
    } catch (const CLI::ParseError& e) {
      return fail(Code::kInvalid, where + e.what());
    }
  }
  return {};
}

}  // namespace

Result<std::variant<Options, Help>> parse_flags(
    std::span<const std::string> arguments) {
  CLI::App root{"Chrysalis: microVMs that inherit, on Kubernetes or alone."};
  root.name("chrysalis");
  root.require_subcommand(1);
  Commands commands(root);
  std::string file;
  for (auto* app :
       {commands.agent_app, commands.controller_app, commands.standalone_app}) {
    app->add_option("--config", file, "YAML: the flags' names as keys")
        ->envname("CHRYSALIS_CONFIG");
  }
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    root.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    const auto used = root.get_subcommands();
    return Help{(used.empty() ? &root : used.front())->help()};
  } catch (const CLI::ParseError& e) {
    return fail(Code::kInvalid, std::string(e.what()));
  }
  if (!file.empty()) {
    CHRYSALIS_TRY(apply_file(*root.get_subcommands().front(), file));
  }
  CHRYSALIS_ASSIGN(Options options, commands.chosen());
  return options;
}

}  // namespace chrysalis::program
