#include "controller/reconcile/placement/placement.h"

#include <algorithm>

#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

model::Bytes used_on(const std::string& node, const std::vector<Load>& loads) {
  const auto found = std::ranges::find(loads, node, &Load::node);
  return found == loads.end() ? model::Bytes{} : found->used;
}

bool runs(const Agent& agent, model::Hypervisor kind) {
  return std::ranges::find(agent.programs, kind, &AgentProgram::kind) !=
         agent.programs.end();
}

// Whether it fits beside what is there, without overflow.
bool fits(const Agent& agent, model::Bytes used, model::Bytes memory) {
  if (used.count > agent.allocatable.count) return false;
  const uint64_t free = agent.allocatable.count - used.count;
  return memory.count <= free && kVmOverhead.count <= free - memory.count;
}

// Its agent runs and has told what the node can do.
bool can_take(const Agent& agent) {
  return agent.alive && agent.allocatable.count > 0;
}

// How many nodes each filter took away.
struct Causes {
  size_t another = 0, dead = 0, hypervisor = 0, memory = 0;
};

std::string unschedulable(const Wanted& wanted, size_t nodes,
                          const Causes& causes) {
  std::string out = "0 of " + std::to_string(nodes) + " nodes fit";
  std::string sep = ": ";
  const auto add = [&](size_t count, const std::string& cause) {
    if (count == 0) return;
    out += sep + std::to_string(count) + " " + cause;
    sep = ", ";
  };
  add(causes.another, "not node " + wanted.node);
  add(causes.dead, "without a living agent");
  add(causes.hypervisor,
      "without " + std::string(to_string(wanted.hypervisor)));
  add(causes.memory, "without " + model::format_quantity(wanted.memory) +
                         " and " + model::format_quantity(kVmOverhead) +
                         " of memory free");
  if (causes.dead == nodes)
    out += "; start an agent: kubectl label node NODE chrysalis.dev/vmm=true";
  return out;
}

}  // namespace

Placement place(const Wanted& wanted, const std::vector<Agent>& agents,
                const std::vector<Load>& loads) {
  Causes causes;
  const Agent* best = nullptr;
  model::Bytes best_used{};
  for (const Agent& agent : agents) {
    const model::Bytes used = used_on(agent.node, loads);
    if (!wanted.node.empty() && agent.node != wanted.node) {
      ++causes.another;
    } else if (!can_take(agent)) {
      ++causes.dead;
    } else if (!runs(agent, wanted.hypervisor)) {
      ++causes.hypervisor;
    } else if (!fits(agent, used, wanted.memory)) {
      ++causes.memory;
    } else if (best == nullptr || used < best_used ||
               (used == best_used && agent.node < best->node)) {
      best = &agent;
      best_used = used;
    }
  }
  if (best != nullptr) return {best->node, "", ""};
  return {"", std::string(to_string(StatusReason::kUnschedulable)),
          unschedulable(wanted, agents.size(), causes)};
}

model::Bytes memory_of(const api::VirtualMachine& vm,
                       const api::VmSnapshot* source) {
  if (vm.status.config) return vm.status.config->memory;
  if (source != nullptr && source->status.config)
    return source->status.config->memory;
  if (vm.spec.wish.memory) return *vm.spec.wish.memory;
  model::Bytes fallback{};
  model::for_each_field([&](const auto& row, auto) {
    if constexpr (std::is_same_v<model::RowValue<decltype(row)>, model::Bytes>)
      if (row.key == "memory") fallback = *row.fallback;
  });
  return fallback;
}

}  // namespace chrysalis::reconcile
