#include "controller/runtime/executor/agent.h"

#include <atomic>
#include <utility>

#include "controller/runtime/executor/next.h"
#include "controller/runtime/executor/snapshot_worker.h"
#include "controller/runtime/executor/vm_worker.h"
#include "src/store/records.h"

namespace chrysalis::runtime {

struct Agent::Inner {
  explicit Inner(const Deps& deps)
      : store(deps.store),
        engine(deps.engine),
        vm_queue(deps.timer),
        snapshot_queue(deps.timer),
        vm_worker({deps.store, deps.engine, deps.timer, vms, on_snapshots,
                   deps.node}),
        snapshot_worker({deps.store, deps.engine, deps.timer, snapshots, on_vms,
                         deps.node}) {}

  // A VM changed: it, and the snapshots that are to be taken of it.
  void vm_changed(const ObjectKey& key, int priority) {
    vm_queue.add(key, priority);
    for (const ObjectKey& waiter : on_vms.on(key)) snapshot_queue.add(waiter);
  }
  // A snapshot changed: it, and the VMs that are to be loaded from it.
  void snapshot_changed(const ObjectKey& key, int priority) {
    snapshot_queue.add(key, priority);
    for (const ObjectKey& waiter : on_snapshots.on(key)) vm_queue.add(waiter);
  }
  void engine_changed(const std::string& uid) {
    if (const auto vm = vms.key_of(uid)) vm_changed(*vm, kNormalPriority);
    if (const auto snapshot = snapshots.key_of(uid))
      snapshot_changed(*snapshot, kNormalPriority);
  }

  void add_all_vms() {
    for (const auto& vm : store.vms.list())
      vm_queue.add({vm->meta.ns, vm->meta.name}, kLowPriority);
    for (const std::string& uid : engine.vms())
      if (const auto key = vms.key_of(uid)) vm_queue.add(*key, kLowPriority);
  }
  void add_all_snapshots() {
    for (const auto& snapshot : store.snapshots.list())
      snapshot_queue.add({snapshot->meta.ns, snapshot->meta.name},
                         kLowPriority);
    for (const std::string& uid : engine.snapshots())
      if (const auto key = snapshots.key_of(uid))
        snapshot_queue.add(*key, kLowPriority);
  }

  const ObjectStore store;
  engine::Engine& engine;
  WorkQueue vm_queue, snapshot_queue;
  Known vms, snapshots;
  Waiters on_snapshots;  // VMs wait
  Waiters on_vms;        // snapshots wait
  VmWorker vm_worker;
  SnapshotWorker snapshot_worker;
};

namespace {

int priority_of(const Delivery& delivery) {
  return delivery.initial ? kLowPriority : kNormalPriority;
}

}  // namespace

Agent::Agent(Deps deps, AgentOptions options)
    : deps_(std::move(deps)),
      options_(options),
      inner_(std::make_shared<Inner>(deps_)) {
  deps_.engine.on_change(
      [inner = inner_](const std::string& uid) { inner->engine_changed(uid); });
}

Agent::~Agent() { stop(); }

void Agent::start() {
  // What the engine has is looked at even if no object tells of it.
  for (const std::string& uid : deps_.engine.vms())
    if (const auto record = deps_.engine.view(uid).record) {
      inner_->vms.learn(uid, {record->ns, record->name});
      inner_->vm_queue.add({record->ns, record->name}, kLowPriority);
    }
  for (const std::string& uid : deps_.engine.snapshots())
    if (const auto record = deps_.engine.snapshot(uid).record)
      inner_->snapshots.learn(uid, {record->ns, record->name});
  deps_.store.vms.add_handler([inner = inner_](const Delivery& delivery) {
    inner->vm_changed(delivery.key, priority_of(delivery));
  });
  deps_.store.snapshots.add_handler([inner = inner_](const Delivery& delivery) {
    inner->snapshot_changed(delivery.key, priority_of(delivery));
  });
  Inner& inner = *inner_;
  for (size_t n = 0; n < options_.vm_workers; ++n)
    threads_.emplace_back([&inner] {
      work_off(
          inner.vm_queue,
          [&inner](const ObjectKey& key) { return inner.vm_worker.work(key); },
          [&inner] { inner.add_all_vms(); });
    });
  for (size_t n = 0; n < options_.snapshot_workers; ++n)
    threads_.emplace_back([&inner] {
      work_off(
          inner.snapshot_queue,
          [&inner](const ObjectKey& key) {
            return inner.snapshot_worker.work(key);
          },
          [&inner] { inner.add_all_snapshots(); });
    });
}

void Agent::stop() {
  inner_->vm_queue.shut_down();
  inner_->snapshot_queue.shut_down();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace chrysalis::runtime
