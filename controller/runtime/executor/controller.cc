#include "controller/runtime/executor/controller.h"

#include <atomic>
#include <set>
#include <utility>

#include "controller/reconcile/placement/leader_plan.h"
#include "controller/runtime/executor/known.h"
#include "controller/runtime/executor/load_book.h"
#include "controller/runtime/executor/next.h"
#include "controller/runtime/executor/tell.h"
#include "controller/runtime/executor/told_lost.h"

namespace chrysalis::runtime {
namespace {

constexpr seconds kUnplacedAgain{60};

// No object's key: look for those whose agent is silent. As a key it waits
// once however often agents change, and its turn is not their thread's.
const ObjectKey kSilentNodes;

template <class T>
ObjectKey key_of(const T& object) {
  return {object.meta.ns, object.meta.name};
}

api::Kind kind_of(const api::VirtualMachine&) {
  return api::Kind::kVirtualMachine;
}
api::Kind kind_of(const api::VmSnapshot&) { return api::Kind::kVmSnapshot; }

}  // namespace

struct Controller::Inner {
  explicit Inner(const Deps& given)
      : deps(given), vm_queue(given.timer), snapshot_queue(given.timer) {}

  // ---- who is to be looked at again
  void vm_changed(const Delivery& delivery) {
    const int priority = delivery.initial ? kLowPriority : kNormalPriority;
    vm_queue.add(delivery.key, priority);
    for (const ObjectKey& waiter : on_vms.on(delivery.key))
      snapshot_queue.add(waiter);
  }
  void snapshot_changed(const Delivery& delivery) {
    const int priority = delivery.initial ? kLowPriority : kNormalPriority;
    snapshot_queue.add(delivery.key, priority);
    for (const ObjectKey& waiter : on_snapshots.on(delivery.key))
      vm_queue.add(waiter);
  }
  // What came before was let go, and comes again now.
  void all_listed() {
    if (stopped || !synced() || began.exchange(true)) return;
    add_all_vms();
    add_all_snapshots();
  }
  // Agents came, went or changed. That one lives is noted each time: it may
  // be lost again before anybody looks.
  void agents_changed() {
    if (stopped) return;
    const std::set<std::string> alive = living();
    told_vms.returned(alive);
    told_snapshots.returned(alive);
    vm_queue.add(kSilentNodes);
  }
  // Whoever has no node, and then whoever has a silent one: those can wait.
  Next look_at_silent_nodes() {
    const std::set<std::string> alive = living();
    const auto look = [&alive](WorkQueue& queue, const auto& objects) {
      for (const auto& object : objects) {
        const std::string& node = object->status.node_name;
        if (!alive.contains(node))
          queue.add(key_of(*object),
                    node.empty() ? kNormalPriority : kLowPriority);
      }
    };
    look(vm_queue, deps.store.vms.list());
    look(snapshot_queue, deps.store.snapshots.list());
    return {};
  }
  [[nodiscard]] std::set<std::string> living() const {
    std::set<std::string> alive;
    for (const reconcile::Agent& agent : deps.agents.agents())
      if (agent.alive) alive.insert(agent.node);
    return alive;
  }
  void add_all_vms() {
    for (const auto& vm : deps.store.vms.list())
      vm_queue.add(key_of(*vm), kLowPriority);
  }
  void add_all_snapshots() {
    for (const auto& snapshot : deps.store.snapshots.list())
      snapshot_queue.add(key_of(*snapshot), kLowPriority);
  }
  void room_came_free() {
    for (const ObjectKey& key : unplaced) vm_queue.add(key);
  }

  // ---- one key (VMs: one thread, so that each placement sees the last)
  Next work_on_vm(const ObjectKey& key);
  Next work_on_snapshot(const ObjectKey& key);
  void fill_book();
  void note_load(const ObjectKey& key, const api::VirtualMachine& vm);
  template <class T>
  Next carry_out(Objects<T>& objects, ToldLost& told, const ObjectKey& key,
                 const T& object, const reconcile::Fleet& fleet,
                 reconcile::LeaderPlan<typename T::Status> plan);
  [[nodiscard]] bool synced() const {
    return deps.agents.synced() && deps.store.vms.synced() &&
           deps.store.snapshots.synced();
  }
  [[nodiscard]] std::shared_ptr<const api::VmSnapshot> source_of(
      const ObjectKey& key, const api::VirtualMachine& vm) const {
    if (!vm.spec.clone) return nullptr;
    return deps.store.snapshots.get({key.ns, vm.spec.clone->name});
  }

  Deps deps;
  WorkQueue vm_queue, snapshot_queue;
  std::atomic<bool> stopped = false, began = false;
  Waiters on_snapshots, on_vms;
  ToldLost told_vms, told_snapshots;
  // Of the one thread that places VMs.
  LoadBook book;
  bool book_filled = false;
  std::set<ObjectKey> unplaced;
};

void Controller::Inner::note_load(const ObjectKey& key,
                                  const api::VirtualMachine& vm) {
  const std::string& node = vm.status.node_name;
  const auto source = source_of(key, vm);
  if (!node.empty())
    book.set(key, node, reconcile::memory_of(vm, source.get()));
  else  // an earlier try that was not written, or an object of that name before
    book.erase(key);
}

// Everything that was placed before counts before the first is placed.
void Controller::Inner::fill_book() {
  if (book_filled) return;
  for (const auto& vm : deps.store.vms.list()) note_load(key_of(*vm), *vm);
  book_filled = true;
}

template <class T>
Next Controller::Inner::carry_out(
    Objects<T>& objects, ToldLost& told, const ObjectKey& key, const T& object,
    const reconcile::Fleet& fleet,
    reconcile::LeaderPlan<typename T::Status> plan) {
  if (plan.remove_finalizer)
    return after_write(
        objects.set_finalizer(object, *plan.remove_finalizer, false));
  const std::string& node = object.status.node_name;
  const bool lost = !node.empty() && reconcile::is_lost(fleet, node);
  if (!plan.status || (lost && told.was_told(key, object.meta.uid))) return {};
  const auto written = objects.write_status(object, *plan.status);
  if (!written) {
    log_refused(key, written.error());
    return after_write(written);
  }
  if (lost) told.told(key, object.meta.uid, node);
  tell(deps.store.events, kind_of(object), key, object.meta.uid,
       std::move(plan.events));
  return {};
}

Next Controller::Inner::work_on_vm(const ObjectKey& key) {
  if (!synced()) return {};  // all_listed() brings it again
  if (key == kSilentNodes) return look_at_silent_nodes();
  fill_book();
  const Mono now = deps.timer.mono();
  if (const auto held = deps.store.vms.held_until(key, now))
    return {false, *held - now};
  const auto vm = deps.store.vms.get(key);
  if (!vm) {
    unplaced.erase(key);
    told_vms.forget(key);
    on_snapshots.wait(key, std::nullopt);
    if (book.erase(key)) room_came_free();
    return {};
  }
  note_load(key, *vm);
  const bool waits = vm->status.node_name.empty() && vm->spec.clone;
  on_snapshots.wait(
      key, waits ? std::optional(ObjectKey{key.ns, vm->spec.clone->name})
                 : std::nullopt);
  const auto source = source_of(key, *vm);
  const reconcile::Fleet fleet{deps.agents.agents(), book.loads(),
                               deps.finalizer_of};
  auto plan = reconcile::plan(*vm, source, fleet, deps.timer.wall());
  const std::string node =
      plan.status ? plan.status->node_name : vm->status.node_name;
  Next next =
      carry_out(deps.store.vms, told_vms, key, *vm, fleet, std::move(plan));
  if (!node.empty()) {
    unplaced.erase(key);
    // Counts at once, also if it is not known whether the write arrived.
    book.set(key, node, reconcile::memory_of(*vm, source.get()));
  } else if (!vm->meta.deleted_at) {
    unplaced.insert(key);
    next.merge({false, kUnplacedAgain});
  }
  return next;
}

Next Controller::Inner::work_on_snapshot(const ObjectKey& key) {
  if (!synced()) return {};  // as above
  const Mono now = deps.timer.mono();
  if (const auto held = deps.store.snapshots.held_until(key, now))
    return {false, *held - now};
  const auto snapshot = deps.store.snapshots.get(key);
  if (!snapshot) {
    told_snapshots.forget(key);
    on_vms.wait(key, std::nullopt);
    return {};
  }
  std::shared_ptr<const api::VirtualMachine> source;
  const std::string& name = snapshot->spec.virtual_machine;
  const bool waits = snapshot->status.node_name.empty() && !name.empty();
  on_vms.wait(key,
              waits ? std::optional(ObjectKey{key.ns, name}) : std::nullopt);
  if (waits) source = deps.store.vms.get({key.ns, name});
  const reconcile::Fleet fleet{deps.agents.agents(), {}, deps.finalizer_of};
  return carry_out(
      deps.store.snapshots, told_snapshots, key, *snapshot, fleet,
      reconcile::plan(*snapshot, source, fleet, deps.timer.wall()));
}

Controller::Controller(Deps deps)
    : deps_(std::move(deps)), inner_(std::make_shared<Inner>(deps_)) {}

Controller::~Controller() { stop(); }

void Controller::start() {
  deps_.store.vms.add_handler(
      [inner = inner_](const Delivery& d) { inner->vm_changed(d); });
  deps_.store.snapshots.add_handler(
      [inner = inner_](const Delivery& d) { inner->snapshot_changed(d); });
  const auto all_listed = [inner = inner_] { inner->all_listed(); };
  deps_.store.vms.on_synced(all_listed);
  deps_.store.snapshots.on_synced(all_listed);
  deps_.agents.on_change([inner = inner_] {
    inner->all_listed();
    inner->agents_changed();
  });
  Inner& inner = *inner_;
  threads_.emplace_back([&inner] {
    work_off(
        inner.vm_queue,
        [&inner](const ObjectKey& key) { return inner.work_on_vm(key); },
        [&inner] { inner.add_all_vms(); });
  });
  threads_.emplace_back([&inner] {
    work_off(
        inner.snapshot_queue,
        [&inner](const ObjectKey& key) { return inner.work_on_snapshot(key); },
        [&inner] { inner.add_all_snapshots(); });
  });
}

void Controller::stop() {
  inner_->stopped = true;
  inner_->vm_queue.shut_down();
  inner_->snapshot_queue.shut_down();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace chrysalis::runtime
