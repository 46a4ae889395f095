// The VM has no record here: it is booted from its image or cloned.

#include "controller/reconcile/refused_spec.h"
#include "controller/reconcile/vm/attempts.h"
#include "controller/reconcile/vm/choice.h"
#include "controller/reconcile/vm/named_snapshot.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;

void choose_boot(Choice& choice, const VmObserved& observed, Wall now) {
  const api::VirtualMachine& vm = *observed.vm;
  // The digest and the type of the image are the engine's to fill.
  const model::Assembled assembled = model::assemble_first_boot(
      vm.spec.wish, {observed.node.first_network, "", ""});
  if (!assembled.ok()) {
    choice.power =
        stalls(StatusReason::kInvalidSpec, model::join(assembled.faults));
    return;
  }
  engine::BootRequest request;
  request.ns = vm.meta.ns;
  request.name = vm.meta.name;
  request.config = assembled.config;
  request.sources = assembled.sources;
  request.power = vm.spec.power;
  request.restart_attempt = vm.spec.restart_attempt.value_or(0);
  ask_for(choice, std::move(request), {Kind::kBoot, vm.meta.generation, 0, ""},
          now);
}

void choose_clone(Choice& choice, const VmObserved& observed, Wall now) {
  const api::VirtualMachine& vm = *observed.vm;
  const api::CloneSource& source = *vm.spec.clone;
  if (is_out_of_sight(observed)) wake(choice, now + kLookAgain);
  if (auto lacks = snapshot_lacks(
          observed, {source.name, source.manifest_digest, source.on_demand})) {
    choice.power = std::move(lacks);
    return;
  }
  const store::SnapshotRecord& snapshot = *observed.snapshot->view.record;
  const model::Assembled assembled =
      model::assemble_clone(vm.spec.wish, snapshot.config);
  if (!assembled.ok()) {
    choice.power = refused_config(assembled, snapshot.config, nullptr);
    return;
  }
  engine::CloneRequest request;
  request.ns = vm.meta.ns;
  request.name = vm.meta.name;
  request.snapshot_uid = snapshot.uid;
  request.wish = vm.spec.wish;
  request.on_demand = source.on_demand;
  request.manifest_digest = source.manifest_digest;
  request.power = vm.spec.power;
  request.restart_attempt = vm.spec.restart_attempt.value_or(0);
  ask_for(choice, std::move(request),
          {Kind::kClone, vm.meta.generation, 0, snapshot.uid}, now);
}

}  // namespace

void choose_first_start(Choice& choice, const VmObserved& observed, Wall now) {
  const api::VmSpec& spec = observed.vm->spec;
  if (spec.restore) {
    choice.power = stalls(StatusReason::kRestoreOfNewVm, restore_of_new_vm());
    return;
  }
  // While one is in flight nothing is asked, so nothing needs the guard.
  if (!observed.view.running) choice.power = refused_spec(*observed.vm);
  if (choice.power) return;
  spec.clone ? choose_clone(choice, observed, now)
             : choose_boot(choice, observed, now);
}

}  // namespace chrysalis::reconcile
