#include "controller/runtime/executor/snapshot_worker.h"

#include <utility>

#include "controller/runtime/executor/tell.h"

namespace chrysalis::runtime {

Next SnapshotWorker::work(const ObjectKey& key) {
  const Mono now = deps_.clock.mono();
  if (const auto held = deps_.store.snapshots.held_until(key, now))
    return {false, *held - now};
  const Object snapshot = deps_.store.snapshots.get(key);
  return snapshot ? reconcile_one(key, snapshot) : left_behind(key);
}

// Its files stay whatever became of the object; but a status that was wiped
// is put back where our finalizer stands.
Next SnapshotWorker::left_behind(const ObjectKey& key) {
  const auto uids = deps_.known.uids_of(key);
  if (uids.empty()) return {};
  if (!deps_.store.snapshots.synced()) return {false, seconds{1}};
  const auto read = deps_.store.snapshots.read(key);
  if (!read) return {true, std::nullopt};
  const Object snapshot = *read;
  for (const std::string& uid : uids) {
    if (snapshot && snapshot->meta.uid == uid) {
      if (reconcile::is_ours(snapshot->meta, snapshot->status.node_name,
                             deps_.node()))
        return reconcile_one(key, snapshot);
    }
    deps_.known.forget(uid);
  }
  deps_.waiters.wait(key, std::nullopt);
  return {};
}

Next SnapshotWorker::reconcile_one(const ObjectKey& key,
                                   const Object& snapshot) {
  const std::string& uid = snapshot->meta.uid;
  deps_.known.learn(uid, key);
  reconcile::SnapshotObserved observed;
  observed.snapshot = snapshot;
  observed.node = deps_.node();
  observed.memory = deps_.known.memory(uid);
  const std::string& vm = snapshot->spec.virtual_machine;
  if (!vm.empty()) {
    const ObjectKey source{key.ns, vm};
    deps_.waiters.wait(key, source);  // before it is looked at
    observed.source = deps_.store.vms.get(source);
    // Not in a cache that is not filled yet is not absent. When it arrives
    // there, whoever waits for it is told.
    if (!observed.source && !deps_.store.vms.synced())
      return {false, seconds{1}};
    const std::string lane =
        reconcile::lane_to_watch(observed.memory, observed.source.get());
    if (!lane.empty()) observed.source_view = deps_.engine.view(lane);
  }
  observed.view = deps_.engine.snapshot(uid);  // after the VM's: see the plan
  if (observed.view.ready) deps_.waiters.wait(key, std::nullopt);
  return carry_out(key, snapshot,
                   reconcile::plan(observed, deps_.clock.wall()));
}

Next SnapshotWorker::carry_out(const ObjectKey& key, const Object& snapshot,
                               reconcile::SnapshotPlan plan) {
  const std::string& uid = snapshot->meta.uid;
  if (plan.finalizer) {
    deps_.known.remember(uid, std::move(plan.memory));
    return after_write(deps_.store.snapshots.set_finalizer(
        *snapshot, deps_.node().finalizer,
        *plan.finalizer == reconcile::Finalizer::kAdd));
  }
  if (plan.request && !deps_.engine.submit(plan.lane, *std::move(plan.request)))
    return {true, std::nullopt};
  deps_.known.remember(uid, std::move(plan.memory));
  Next next;
  if (plan.wake_at) next = at_wall(*plan.wake_at, deps_.clock.wall());
  if (!plan.status) return next;
  const auto written =
      deps_.store.snapshots.write_status(*snapshot, *plan.status);
  if (written)
    tell(deps_.store.events, api::Kind::kVmSnapshot, key, uid,
         std::move(plan.events));
  else
    log_refused(key, written.error());
  return next.merge(after_write(written));
}

}  // namespace chrysalis::runtime
