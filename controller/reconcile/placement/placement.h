#pragma once

// Which node a new object goes to. Filter, then least memory used, then name.
// PURE. Thread-safety: values.

#include <cstdint>
#include <string>
#include <vector>

#include "controller/api/objects/agent_facts.h"
#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "src/model/values.h"

namespace chrysalis::reconcile {

// Beside a guest's RAM: its VMM, its shim, its page tables.
inline constexpr model::Bytes kVmOverhead = model::operator""_MiB(128);

using AgentProgram = api::AgentProgram;

// An agent as its lease tells of it.
struct Agent {
  std::string node;
  bool alive = false;
  bool node_exists = true;  // its Node object; false lets finalizers go
  model::Bytes allocatable{};
  std::vector<AgentProgram> programs;
  friend bool operator==(const Agent&, const Agent&) = default;
};

// Memory that placed VMs take on a node, overhead included.
struct Load {
  std::string node;
  model::Bytes used{};
};

struct Wanted {
  model::Bytes memory{};  // without overhead
  model::Hypervisor hypervisor = model::Hypervisor::kCloudHypervisor;
  std::string node;  // a constraint; "": any
};

struct Placement {
  std::string node;             // "": none fits
  std::string reason, message;  // then why, with a count per cause
  bool stalls = false;          // a human must act first
};

// Used memory of a node that `loads` does not name is zero.
Placement place(const Wanted& wanted, const std::vector<Agent>& agents,
                const std::vector<Load>& loads);

// What a VM takes: as read back, else as its clone source's, else as asked
// for. source: null when there is none.
model::Bytes memory_of(const api::VirtualMachine& vm,
                       const api::VmSnapshot* source = nullptr);

}  // namespace chrysalis::reconcile
