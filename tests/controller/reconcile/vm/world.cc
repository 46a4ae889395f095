#include "tests/controller/reconcile/vm/world.h"

#include <gtest/gtest.h>

#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/reconcile/conditions.h"
#include "tests/controller/reconcile/stored.h"

namespace chrysalis::reconcile {

using engine::Kind;

std::string digest_of(const std::string& uid) {
  std::string hex;
  for (const char c : uid + std::string(32, '.')) {
    hex += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    hex += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  return "sha256:" + hex.substr(0, 64);
}

NamedSnapshot make_snapshot(const std::string& name, const std::string& uid,
                            const std::string& source_uid) {
  auto object = std::make_shared<api::VmSnapshot>();
  object->meta.ns = "ns";
  object->meta.name = name;
  object->meta.uid = uid;
  object->status.node_name = "node-a";
  object->status.ready_to_use = true;
  auto record = std::make_shared<store::SnapshotRecord>();
  record->uid = uid;
  record->name = name;
  record->source_uid = source_uid;
  model::VmWish wish;
  wish.cpu = 3;
  wish.image = "img";
  record->config = model::assemble_first_boot(wish, {"net-a", "d", "t"}).config;
  record->manifest_digest = digest_of(uid);
  record->ready = true;
  NamedSnapshot out;
  out.object = object;
  out.view.uid = uid;
  out.view.record = record;
  out.view.ready = true;
  return out;
}

VmWorld::VmWorld() {
  vm.meta.ns = "ns";
  vm.meta.name = "vm";
  vm.meta.uid = "vm-uid";
  vm.meta.generation = 1;
  vm.spec.wish.image = "img";
  vm.status.node_name = "node-a";
  node = {"node-a",
          "chrysalis.dev/node-a",
          "net-a",
          {{model::Hypervisor::kCloudHypervisor, "v53", engine::Reason::kNone},
           {model::Hypervisor::kFirecracker, "v1.16", engine::Reason::kNone}}};
}

VmObserved VmWorld::observe() const {
  VmObserved out;
  out.vm = std::make_shared<api::VirtualMachine>(vm);
  out.view = view(vm.meta.uid);
  const auto name = snapshot_needed(vm, out.view);
  if (name) out.snapshot = snapshot.value_or(NamedSnapshot{});
  out.node = node;
  out.memory = memory;
  return out;
}

namespace {

api::VmStatus as_stored(const api::VmStatus& status) {
  api::VirtualMachine written;
  written.meta.ns = "ns";
  written.meta.name = "vm";
  written.meta.uid = "vm-uid";
  written.spec.wish.image = "img";
  written.status = status;
  return stored_and_read(written,
                         [](const auto& json) { return api::decode_vm(json); });
}

}  // namespace

bool VmWorld::step() {
  VmPlan planned = look();
  memory = planned.memory;
  EXPECT_LE(planned.asked.size() + planned.events.size(), 2U);
  EXPECT_TRUE(planned.asked.empty() || planned.request);
  if (planned.finalizer) {
    EXPECT_FALSE(planned.request);
    ++finalizer_writes;
    if (*planned.finalizer == Finalizer::kAdd)
      vm.meta.finalizers.push_back(node.finalizer);
    else
      vm.meta.finalizers.clear();
    return true;
  }
  const bool any = planned.request || planned.status;
  if (planned.request) {
    EXPECT_FALSE(running) << "asked while one is in flight";
    asked.push_back(kind_of(*planned.request));
    in_flight = planned.request;
    in_flight_snapshot = snapshot ? snapshot->view.record : nullptr;
    begin(*planned.request, now);
    events.insert(events.end(), planned.asked.begin(), planned.asked.end());
  }
  if (planned.status) {
    ++status_writes;
    EXPECT_FALSE(same_status(*planned.status, vm.status));
    vm.status = as_stored(*planned.status);
    events.insert(events.end(), planned.events.begin(), planned.events.end());
  }
  return any;
}

void VmWorld::run() {
  for (int n = 0; n < 20; ++n)
    if (!step()) return;
  ADD_FAILURE() << "20 plans and no rest";
}

void VmWorld::succeed() {
  // Odd times: status must not depend on more than whole seconds.
  now += milliseconds{1'337};
  end(true, engine::Reason::kNone, false, "", now);
  take_effect(vm.meta.uid, *in_flight, in_flight_snapshot.get(), now);
  run();
}

void VmWorld::fail(engine::Reason reason, bool refused, std::string message) {
  now += milliseconds{1'337};
  const Kind kind = running->kind;
  end(false, reason, refused, std::move(message), now);
  fall_back(kind);
  run();
}

void VmWorld::roll_back(engine::Reason reason) {
  now += milliseconds{1'337};
  end(false, reason, false, "it did not load", now);
  last->restore = store::RestoreResult::kRolledBack;
  remember_restore(std::get<engine::RestoreRequest>(*in_flight),
                   in_flight_snapshot->name, store::RestoreResult::kRolledBack,
                   std::string(to_string(reason)), "it did not load", now);
  run();
}

void VmWorld::interrupt() {
  now += seconds{3};
  end(false, engine::Reason::kInterrupted, false, "", now);
  new_agent();
  run();
}

void VmWorld::boot() {
  run();
  ASSERT_TRUE(running);
  succeed();
  ASSERT_TRUE(is_up(live));
}

void VmWorld::guest_ends(bool clean, int code) {
  PlayedVm::guest_ends(clean, code, now);
  run();
}

std::string VmWorld::condition(ConditionType type) const {
  const auto* found = api::find_condition(vm.status.conditions, type);
  if (found == nullptr) return "-";
  const std::string status = found->status == api::Truth::kTrue    ? "True"
                             : found->status == api::Truth::kFalse ? "False"
                                                                   : "Unknown";
  return status + "/" + found->reason;
}

std::string VmWorld::phase() const {
  static constexpr const char* kNames[] = {
      "Pending", "Starting",  "Running",   "Paused", "Stopping",
      "Stopped", "Restoring", "Succeeded", "Failed", "Unknown"};
  return vm.status.phase ? kNames[static_cast<size_t>(*vm.status.phase)] : "-";
}

// The order of cli-utils' kstatus.
std::string VmWorld::kstatus() const {
  const auto is = [&](ConditionType type, api::Truth status) {
    const auto* found = api::find_condition(vm.status.conditions, type);
    return found != nullptr && found->status == status;
  };
  if (vm.meta.deleted_at) return "Terminating";
  if (vm.status.observed_generation != vm.meta.generation) return "InProgress";
  if (is(ConditionType::kReconciling, api::Truth::kTrue)) return "InProgress";
  if (is(ConditionType::kStalled, api::Truth::kTrue)) return "Failed";
  return is(ConditionType::kReady, api::Truth::kTrue) ? "Current"
                                                      : "InProgress";
}

}  // namespace chrysalis::reconcile
