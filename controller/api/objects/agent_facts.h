#pragma once

// What an agent tells of its node, as annotations of its lease: written by
// the agent, read by placement. PURE. Thread-safety: values.
//
//   chrysalis.dev/memory: 15Gi                      for VMs
//   chrysalis.dev/cpu: "8"
//   chrysalis.dev/cloud-hypervisor: v48.0           only what is there
//   chrysalis.dev/firecracker: v1.13.1
//   chrysalis.dev/firecracker-no-snapshot: REASON   only when it can take none
//
// Errors of decode: kInvalid, with the key: such an agent is left out, never
// half believed. Keys of ours that this version does not know are ignored.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/model/values.h"

namespace chrysalis::api {

inline constexpr std::string_view kAnnotationPrefix = "chrysalis.dev/";

using Annotations = std::map<std::string, std::string>;

// A hypervisor of the node, as probed.
struct AgentProgram {
  model::Hypervisor kind = model::Hypervisor::kCloudHypervisor;
  std::string version;
  std::string no_snapshot;  // reason why it can take none; "": it can
  friend bool operator==(const AgentProgram&, const AgentProgram&) = default;
};

struct AgentFacts {
  model::Bytes memory{};  // allocatable
  uint32_t cpus = 0;
  std::vector<AgentProgram> programs;  // in the order of kHypervisors
  friend bool operator==(const AgentFacts&, const AgentFacts&) = default;
};

// Of two programs of one kind the first is told.
Annotations encode_agent_facts(const AgentFacts& facts);
Result<AgentFacts> decode_agent_facts(const Annotations& annotations);

}  // namespace chrysalis::api
