#include "controller/reconcile/placement/leader_plan.h"

#include <algorithm>
#include <utility>

#include "controller/api/names.h"
#include "controller/reconcile/conditions.h"
#include "controller/reconcile/snapshot/plan.h"
#include "controller/reconcile/transitions.h"
#include "controller/reconcile/unusable.h"
#include "controller/reconcile/vm/status.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using api::Truth;

const Agent* agent_of(const Fleet& fleet, const std::string& node) {
  const auto found = std::ranges::find(fleet.agents, node, &Agent::node);
  return found == fleet.agents.end() ? nullptr : &*found;
}

// The node that answered for it already: its status was wiped, and placing it
// anew would start it twice.
std::optional<std::string> held_by(const api::Meta& meta, const Fleet& fleet) {
  if (meta.finalizers.empty()) return std::nullopt;
  for (const Agent& agent : fleet.agents)
    if (meta.has_finalizer(fleet.finalizer_of(agent.node))) return agent.node;
  return std::nullopt;
}

// Nobody answers for the node any more and nobody will.
bool is_gone(const Agent& agent) { return !agent.alive && !agent.node_exists; }

// A finalizer of a node that is gone, or that this cluster never had (the
// object was restored from another one).
std::optional<std::string> orphaned(const api::Meta& meta, const Fleet& fleet) {
  for (const std::string& finalizer : meta.finalizers)
    if (finalizer.starts_with(api::kNodeFinalizerPrefix) &&
        std::ranges::none_of(fleet.agents, [&](const Agent& agent) {
          return !is_gone(agent) && fleet.finalizer_of(agent.node) == finalizer;
        }))
      return finalizer;
  return std::nullopt;
}

template <class Status>
void tell(LeaderPlan<Status>& plan, const Status& before, Status status) {
  if (same_status(before, status)) return;
  if (auto note = transition(before.conditions, status.conditions,
                             ConditionType::kReady, "Place"))
    plan.events.push_back(*std::move(note));
  plan.status = std::move(status);
}

void set_phase(api::VmStatus& status) { status.phase = api::VmPhase::kPending; }
void set_phase(api::SnapshotStatus& status) {
  status.phase = api::SnapshotPhase::kPending;
  status.ready_to_use = false;
}

// The first status of an object: where it goes, or why nowhere.
template <class Object>
typename Object::Status placed(const Object& object, const Placement& at,
                               Wall now) {
  typename Object::Status status;
  status.observed_generation = object.meta.generation;
  status.node_name = at.node;
  set_phase(status);
  Conditions conditions(object.status.conditions, object.meta.generation, now);
  const bool found = !at.node.empty();
  const std::string why =
      found ? std::string(to_string(StatusReason::kScheduled)) : at.reason;
  conditions.set(ConditionType::kReady, found ? Truth::kUnknown : Truth::kFalse,
                 why, at.message);
  conditions.set(
      at.stalls ? ConditionType::kStalled : ConditionType::kReconciling,
      Truth::kTrue, why, at.message);
  status.conditions = conditions.take();
  return status;
}

// Everything stays as last reported but what is no longer known. A failed
// snapshot stays failed: its status is all that remembers that.
template <class Status>
Status lost(const Status& before, const std::string& node, bool node_exists,
            Wall now) {
  Status status = before;
  Conditions conditions(before.conditions, before.observed_generation, now);
  for (const ConditionType type : api::kConditionTypes)
    if (type != ConditionType::kReconciling &&
        (type != ConditionType::kStalled ||
         std::is_same_v<Status, api::SnapshotStatus>))
      conditions.keep(type);
  const std::string message =
      "the agent of node " + node + " is silent: start it again" +
      (node_exists ? ", or delete the Node to give up what ran there" : "");
  conditions.set(ConditionType::kReady, Truth::kUnknown,
                 StatusReason::kNodeLost, message);
  if (api::find_condition(before.conditions, ConditionType::kRunning) !=
      nullptr)
    conditions.set(ConditionType::kRunning, Truth::kUnknown,
                   StatusReason::kNodeLost, message);
  status.conditions = conditions.take();
  if constexpr (std::is_same_v<Status, api::VmStatus>)
    status.phase = api::VmPhase::kUnknown;
  return status;
}

// What both kinds have in common once a node answers for them.
template <class Object>
LeaderPlan<typename Object::Status> watch_node(const Object& object,
                                               const Fleet& fleet, Wall now) {
  LeaderPlan<typename Object::Status> plan;
  const std::string& node = object.status.node_name;
  if (object.meta.deleted_at) {
    plan.remove_finalizer = orphaned(object.meta, fleet);
    if (plan.remove_finalizer) return plan;
  }
  if (is_lost(fleet, node))
    tell(plan, object.status,
         lost(object.status, node, agent_of(fleet, node) != nullptr, now));
  return plan;
}

Placement nowhere(Hindrance why) {
  return {"", std::move(why.reason), std::move(why.message), why.stalls()};
}

Placement place_clone(const api::VirtualMachine& vm,
                      const std::shared_ptr<const api::VmSnapshot>& snapshot,
                      const Fleet& fleet) {
  const std::string& name = vm.spec.clone->name;
  if (!snapshot) return nowhere(no_such_snapshot(name));
  if (auto why = unusable(name, *snapshot)) return nowhere(*std::move(why));
  if (snapshot->status.node_name.empty() || !snapshot->status.config)
    return nowhere(not_ready_yet(name));
  const std::string& node = snapshot->status.node_name;
  if (!vm.spec.node_name.empty() && vm.spec.node_name != node)
    return nowhere(waits(StatusReason::kUnschedulable,
                         "VMSnapshot " + name + " is on node " + node +
                             ", spec.nodeName asks for " + vm.spec.node_name +
                             "; leave nodeName out"));
  return place({snapshot->status.config->memory,
                snapshot->status.config->hypervisor, node},
               fleet.agents, fleet.loads);
}

Placement place_vm(const api::VirtualMachine& vm,
                   const std::shared_ptr<const api::VmSnapshot>& snapshot,
                   const Fleet& fleet) {
  if (const auto node = held_by(vm.meta, fleet)) return {*node, {}, {}};
  if (vm.spec.clone) return place_clone(vm, snapshot, fleet);
  return place(
      {memory_of(vm),
       vm.spec.wish.hypervisor.value_or(model::Hypervisor::kCloudHypervisor),
       vm.spec.node_name},
      fleet.agents, fleet.loads);
}

Placement place_snapshot(
    const api::VmSnapshot& snapshot,
    const std::shared_ptr<const api::VirtualMachine>& source,
    const Fleet& fleet) {
  if (const auto node = held_by(snapshot.meta, fleet)) return {*node, {}, {}};
  if (snapshot.spec.directory) {
    const std::string& node = snapshot.spec.directory->node_name;
    if (!is_lost(fleet, node)) return {node, {}, {}};
    return nowhere(waits(StatusReason::kUnschedulable,
                         "node " + node + " has no living agent; start it"));
  }
  const std::string called = "VirtualMachine " + snapshot.spec.virtual_machine;
  if (!source)
    return nowhere(waits(StatusReason::kSourceNotFound,
                         "there is no " + called + " in this namespace"));
  if (source->status.node_name.empty())
    return nowhere(waits(engine::Reason::kSourceNotRunning,
                         called + " is not placed yet"));
  return {source->status.node_name, "", ""};
}

}  // namespace

bool is_lost(const Fleet& fleet, const std::string& node) {
  const Agent* agent = agent_of(fleet, node);
  return agent == nullptr || !agent->alive;
}

LeaderPlan<api::VmStatus> plan(
    const api::VirtualMachine& vm,
    const std::shared_ptr<const api::VmSnapshot>& snapshot, const Fleet& fleet,
    Wall now) {
  if (!vm.status.node_name.empty()) return watch_node(vm, fleet, now);
  LeaderPlan<api::VmStatus> plan;
  // Being deleted and never placed: nobody here has anything of it.
  if (vm.meta.deleted_at && !held_by(vm.meta, fleet)) {
    plan.remove_finalizer = orphaned(vm.meta, fleet);
    return plan;
  }
  tell(plan, vm.status, placed(vm, place_vm(vm, snapshot, fleet), now));
  return plan;
}

LeaderPlan<api::SnapshotStatus> plan(
    const api::VmSnapshot& snapshot,
    const std::shared_ptr<const api::VirtualMachine>& source,
    const Fleet& fleet, Wall now) {
  if (!snapshot.status.node_name.empty())
    return watch_node(snapshot, fleet, now);
  LeaderPlan<api::SnapshotStatus> plan;
  if (snapshot.meta.deleted_at && !held_by(snapshot.meta, fleet)) {
    plan.remove_finalizer = orphaned(snapshot.meta, fleet);
    return plan;
  }
  tell(plan, snapshot.status,
       placed(snapshot, place_snapshot(snapshot, source, fleet), now));
  return plan;
}

}  // namespace chrysalis::reconcile
