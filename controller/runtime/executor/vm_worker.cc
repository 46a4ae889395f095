#include "controller/runtime/executor/vm_worker.h"

#include <utility>

#include "controller/runtime/executor/tell.h"
#include "src/base/log.h"

namespace chrysalis::runtime {
namespace {

constexpr seconds kOrphanGrace{30};

bool is_nothing(const engine::VmView& view) {
  return !view.record && !view.running && view.live == engine::Live::kAbsent;
}

bool holds_a_guest(engine::Live live) {
  switch (live) {
    case engine::Live::kStarting:
    case engine::Live::kRunning:
    case engine::Live::kPaused:
    case engine::Live::kShimLost:
      return true;
    case engine::Live::kAbsent:
    case engine::Live::kStopping:
    case engine::Live::kStopped:
    case engine::Live::kEnded:
      return false;
  }
  return false;
}

}  // namespace

Next VmWorker::work(const ObjectKey& key) {
  const Mono now = deps_.clock.mono();
  if (const auto held = deps_.store.vms.held_until(key, now))
    return {false, *held - now};
  const Object vm = deps_.store.vms.get(key);
  Next next;
  if (vm) {
    absence_.found(vm->meta.uid);
    next = reconcile_one(key, vm);
  }
  for (const std::string& uid : deps_.known.uids_of(key))
    if (!vm || uid != vm->meta.uid) next.merge(left_behind(key, uid));
  return next;
}

Next VmWorker::reconcile_one(const ObjectKey& key, const Object& vm) {
  const std::string& uid = vm->meta.uid;
  deps_.known.learn(uid, key);
  if (vm->meta.deleted_at) deps_.known.saw_deletion(uid);
  reconcile::VmObserved observed;
  observed.vm = vm;
  observed.view = deps_.engine.view(uid);
  observed.node = deps_.node();
  observed.memory = deps_.known.memory(uid);
  const auto name = reconcile::snapshot_needed(*vm, observed.view);
  const auto needed =
      name ? std::optional(ObjectKey{key.ns, *name}) : std::nullopt;
  deps_.waiters.wait(key, needed);  // before it is looked at
  if (needed) observed.snapshot = look_up(*needed);
  return carry_out(key, vm, reconcile::plan(observed, deps_.clock.wall()));
}

// The cache holds this node's; any other place needs a look by name.
std::optional<reconcile::NamedSnapshot> VmWorker::look_up(
    const ObjectKey& key) {
  reconcile::NamedSnapshot named;
  named.object = deps_.store.snapshots.get(key);
  if (!named.object) {
    auto read = deps_.store.snapshots.read(key);
    if (!read) return std::nullopt;
    named.object = *std::move(read);
  }
  if (named.object) named.view = deps_.engine.snapshot(named.object->meta.uid);
  return named;
}

Next VmWorker::carry_out(const ObjectKey& key, const Object& vm,
                         reconcile::VmPlan plan) {
  const std::string& uid = vm->meta.uid;
  if (plan.finalizer) {
    deps_.known.remember(uid, std::move(plan.memory));
    return after_write(deps_.store.vms.set_finalizer(
        *vm, deps_.node().finalizer,
        *plan.finalizer == reconcile::Finalizer::kAdd));
  }
  if (plan.request) {
    // Not taken: it is busy or stopping, and what was planned is void.
    if (!deps_.engine.submit(uid, *std::move(plan.request)))
      return {true, std::nullopt};
  }
  // A status that is refused is planned anew, without the request: what is
  // told of that must not wait for it.
  tell(deps_.store.events, api::Kind::kVirtualMachine, key, uid,
       std::move(plan.asked));
  deps_.known.remember(uid, std::move(plan.memory));
  Next next;
  if (plan.wake_at) next = at_wall(*plan.wake_at, deps_.clock.wall());
  if (!plan.status) return next;
  const auto written = deps_.store.vms.write_status(*vm, *plan.status);
  if (written)
    tell(deps_.store.events, api::Kind::kVirtualMachine, key, uid,
         std::move(plan.events));
  else
    log_refused(key, written.error());
  return next.merge(after_write(written));
}

Next VmWorker::left_behind(const ObjectKey& key, const std::string& uid) {
  const engine::VmView view = deps_.engine.view(uid);
  if (is_nothing(view)) {
    deps_.known.forget(uid);
    absence_.found(uid);
    return {};
  }
  if (!deps_.store.vms.synced()) return {false, seconds{1}};
  const auto read = deps_.store.vms.read(key);
  if (!read) return {true, std::nullopt};
  const Object vm = *read;
  if (vm && vm->meta.uid == uid) {
    const std::string& node = vm->status.node_name;
    if (reconcile::is_ours(vm->meta, node, deps_.node())) {
      absence_.found(uid);
      return reconcile_one(key, vm);
    }
    if (node.empty()) return {false, kSeenTwiceApart};
    return end_orphan(uid, view, false);
  }
  if (deps_.known.deletion_seen(uid)) return end_orphan(uid, view, true);
  const Mono now = deps_.clock.mono();
  if (const auto again = absence_.missing(uid, now))
    return {false, *again - now};
  return end_orphan(uid, view, false);
}

// Stops it. Its data goes only where its deletion was seen.
Next VmWorker::end_orphan(const std::string& uid, const engine::VmView& view,
                          bool with_data) {
  if (view.running || view.adopting) return {};  // its end is told
  if (!with_data && !holds_a_guest(view.live)) return {};
  if (!absence_.may_act(uid, deps_.clock.mono()))
    return {false, kSeenTwiceApart};
  log::warning("the object of a VM is gone",
               {{"uid", uid}, {"data", with_data ? "removed" : "kept"}});
  engine::Request request = engine::StopRequest{kOrphanGrace};
  if (with_data) request = engine::DeleteVmRequest{};
  const auto taken = deps_.engine.submit(uid, std::move(request));
  return {!taken, std::nullopt};
}

}  // namespace chrysalis::runtime
