#include "controller/reconcile/vm/plan.h"

#include <algorithm>
#include <utility>

#include "controller/reconcile/vm/attempts.h"
#include "controller/reconcile/vm/status.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

constexpr size_t kMostEvents = 2;  // of one transition

void tell(VmPlan& plan, const VmObserved& observed, api::VmStatus status) {
  const api::VmStatus& before = observed.vm->status;
  if (same_status(before, status)) return;
  auto events = transitions(before, status);
  plan.events.insert(plan.events.end(), std::make_move_iterator(events.begin()),
                     std::make_move_iterator(events.end()));
  const size_t room = kMostEvents - std::min(kMostEvents, plan.asked.size());
  if (plan.events.size() > room) plan.events.resize(room);
  plan.status = std::move(status);
}

VmPlan plan_deletion(const VmObserved& observed, Wall now) {
  VmPlan plan;
  plan.memory = observed.memory;
  const api::VirtualMachine& vm = *observed.vm;
  const engine::VmView& view = observed.view;
  if (!vm.meta.has_finalizer(observed.node.finalizer)) return plan;
  if (!view.record && !view.running && view.live == engine::Live::kAbsent) {
    plan.finalizer = Finalizer::kRemove;
    return plan;
  }
  Choice choice;
  choice.memory = observed.memory;
  ask_for(choice, engine::DeleteVmRequest{vm.spec.stop_grace},
          {engine::Kind::kDeleteVm, vm.meta.generation, 0, ""}, now);
  if (!view.running) {
    plan.request = std::move(choice.request);
    plan.memory = choice.memory;
    plan.wake_at = choice.wake_at;
  }
  VmObserved going = observed;
  going.view.live = engine::Live::kStopping;
  tell(plan, observed, deleting_status(going, choice.power, now));
  return plan;
}

}  // namespace

std::optional<std::string> snapshot_needed(const api::VirtualMachine& vm,
                                           const engine::VmView& view) {
  if (vm.meta.deleted_at) return std::nullopt;
  if (!view.record) {
    if (!vm.spec.clone || vm.spec.restore) return std::nullopt;
    return vm.spec.clone->name;
  }
  if (restore_turn(vm.spec.restore, view.record.get()) == RestoreTurn::kDue)
    return vm.spec.restore->snapshot;
  return std::nullopt;
}

VmPlan plan(const VmObserved& given, Wall now) {
  VmObserved observed = given;
  settle(observed.memory, observed.view.running.has_value(),
         observed.view.last);
  const api::VirtualMachine& vm = *observed.vm;
  VmPlan plan;
  plan.memory = observed.memory;
  if (!is_ours(vm.meta, vm.status.node_name, observed.node)) return plan;
  if (observed.view.adopting) return plan;  // nothing can be said of it yet
  if (vm.meta.deleted_at) return plan_deletion(observed, now);
  if (!vm.meta.has_finalizer(observed.node.finalizer)) {
    plan.finalizer = Finalizer::kAdd;
    return plan;
  }
  Choice choice = choose(observed, now);
  plan.request = std::move(choice.request);
  plan.wake_at = choice.wake_at;
  plan.memory = choice.memory;
  // What failed before is tried quietly; its end is told.
  if (choice.retrying && vm.status.observed_generation == vm.meta.generation)
    return plan;
  if (choice.foreign)
    plan.asked.push_back(
        {false, std::string(to_string(StatusReason::kForeignRestore)),
         "Restore",
         "VMSnapshot " + vm.spec.restore->snapshot +
             " was not taken of this VM; allowForeign is set"});
  // Asked for and in flight look the same, so that one status tells both.
  if (choice.doing)
    observed.view.live = engine::live_during(*choice.doing, observed.view.live);
  tell(plan, observed, vm_status(observed, choice, now));
  return plan;
}

}  // namespace chrysalis::reconcile
