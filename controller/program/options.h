#pragma once

// What each subcommand can be told. Plain data with its defaults; flags.h
// fills it from flags, the environment and a YAML file.

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "src/base/clock.h"

namespace chrysalis::program {

struct LogOptions {
  std::string level = "info";  // debug, info, warning, error
};

// The engine of one node: agent and standalone.
struct NodeFlags {
  std::string node_name;  // "": the host's name
  std::filesystem::path state_dir = "/var/lib/chrysalis";
  std::filesystem::path image_root;    // "": STATE/images
  std::filesystem::path import_root;   // "": STATE/imports
  std::filesystem::path network_root;  // "": STATE/networks
  std::filesystem::path cloud_hypervisor = "/usr/bin/cloud-hypervisor";
  std::filesystem::path firecracker = "/usr/bin/firecracker";
  std::filesystem::path shim;  // "": beside this program
  milliseconds max_pause{10'000};
  milliseconds max_restore_pause{500};
  std::string verify = "once";  // once, always
  uint32_t max_phys_bits = 0;   // of a CH guest; 0: the VMM's default
};

struct ClusterFlags {
  std::filesystem::path kubeconfig;  // "": as client-go looks for one
  std::string context;               // "": the file's current one
  std::string lease_namespace = "chrysalis-system";
};

struct WebhookFlags {
  std::string listen;                      // HOST:PORT; "": no webhook
  std::filesystem::path certificate, key;  // PEM
};

struct AgentOptions {
  LogOptions log;
  NodeFlags node;
  ClusterFlags cluster;
};
struct ControllerOptions {
  LogOptions log;
  ClusterFlags cluster;
  WebhookFlags webhook;
};
struct StandaloneOptions {
  LogOptions log;
  NodeFlags node;
  std::filesystem::path manifests;
};
struct DeleteOptions {
  std::filesystem::path state_dir = "/var/lib/chrysalis";
  std::string kind, name;
  std::string ns = "default";
  seconds timeout{60};
};
struct CheckOptions {
  std::vector<std::filesystem::path> files;  // "-": standard input
  std::string output = "text";               // text, json, sarif
};
struct VersionOptions {};

using Options = std::variant<AgentOptions, ControllerOptions, StandaloneOptions,
                             DeleteOptions, CheckOptions, VersionOptions>;

}  // namespace chrysalis::program
