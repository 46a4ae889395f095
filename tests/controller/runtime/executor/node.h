#pragma once

// A node's worth of fakes for the executor's tests.

#include <string>

#include "controller/reconcile/facts.h"
#include "controller/runtime/executor/known.h"
#include "controller/runtime/executor/snapshot_worker.h"
#include "controller/runtime/executor/vm_worker.h"
#include "tests/fakes/engine/fake_engine.h"
#include "tests/fakes/engine/fake_objects.h"
#include "tests/fakes/fake_timer.h"

namespace chrysalis::runtime {

inline constexpr const char* kNode = "node-a";
inline constexpr const char* kFinalizer = "chrysalis.dev/node-a";

inline reconcile::NodeFacts node_facts() {
  return {
      kNode,
      kFinalizer,
      "net-a",
      {{model::Hypervisor::kCloudHypervisor, "v53", engine::Reason::kNone}}};
}

inline api::VirtualMachine make_vm(const std::string& name) {
  api::VirtualMachine vm;
  vm.meta.ns = "ns";
  vm.meta.name = name;
  vm.meta.uid = name + "-uid";
  vm.meta.generation = 1;
  vm.spec.wish.image = "img";
  vm.status.node_name = kNode;
  return vm;
}

inline api::VmSnapshot make_vm_snapshot(const std::string& name,
                                        const std::string& vm) {
  api::VmSnapshot snapshot;
  snapshot.meta.ns = "ns";
  snapshot.meta.name = name;
  snapshot.meta.uid = name + "-uid";
  snapshot.meta.generation = 1;
  snapshot.spec.virtual_machine = vm;
  snapshot.status.node_name = kNode;
  return snapshot;
}

template <class T>
std::string condition(const T* object, std::string_view type) {
  if (object == nullptr) return "gone";
  const auto* found = api::find_condition(object->status.conditions, type);
  if (found == nullptr) return "-";
  return (found->status == api::Truth::kTrue    ? "True/"
          : found->status == api::Truth::kFalse ? "False/"
                                                : "Unknown/") +
         found->reason;
}

struct Node {
  FakeTimer timer;
  FakeObjects<api::VirtualMachine> vms{
      [](const auto& vm) { return vm.status.node_name == kNode; }};
  FakeObjects<api::VmSnapshot> snapshots{
      [](const auto& s) { return s.status.node_name == kNode; }};
  FakeEvents events;
  FakeEngine engine{timer};
  ObjectStore store{vms, snapshots, events};
};

}  // namespace chrysalis::runtime
