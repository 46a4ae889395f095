// What is decided without a system call: plans, verdicts, steps.

#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "controller/admission/verdict.h"
#include "controller/api/objects/codec.h"
#include "controller/reconcile/vm/plan.h"
#include "src/engine/machine/operation.h"
#include "tests/bench/micro/realistic.h"
#include "tests/fakes/engine/played_vm.h"

namespace chrysalis::bench {
namespace {

constexpr Wall kNow{seconds{1'800'000'000}};

// A VM and the engine that it has, played.
struct World : PlayedVm {
  World() {
    nlohmann::json object = running_vm(1);
    object["status"] = {{"nodeName", "bench-node"}, {"observedGeneration", 1}};
    object["metadata"].erase("finalizers");
    vm = *api::decode_vm(object);
    node = {
        "bench-node",
        "chrysalis.dev/bench-node",
        "default",
        {{model::Hypervisor::kCloudHypervisor, "v53", engine::Reason::kNone},
         {model::Hypervisor::kFirecracker, "v1.16", engine::Reason::kNone}}};
  }
  [[nodiscard]] reconcile::VmObserved observe() const {
    return {.vm = std::make_shared<api::VirtualMachine>(vm),
            .view = view(vm.meta.uid),
            .snapshot = {},
            .node = node,
            .memory = memory};
  }
  // Carries out one plan; false: nothing was left to do.
  bool step() {
    const auto plan = reconcile::plan(observe(), kNow);
    memory = plan.memory;
    if (plan.finalizer) vm.meta.finalizers.push_back(node.finalizer);
    if (plan.request) {
      begin(*plan.request, kNow);
      end(true, engine::Reason::kNone, false, "", kNow);
      take_effect(vm.meta.uid, *plan.request, nullptr, kNow);
    }
    if (plan.status) vm.status = *plan.status;
    return plan.finalizer || plan.request || plan.status;
  }

  api::VirtualMachine vm;
  reconcile::NodeFacts node;
  reconcile::Memory memory;
};

// An event of a VM that is as it shall be: the commonest.
void plan_nothing_to_do(benchmark::State& state) {
  World world;
  for (int i = 0; i < 20 && world.step(); ++i) {
  }
  const auto observed = world.observe();
  if (world.step()) state.SkipWithError("there is something to do");
  for (auto _ : state)
    benchmark::DoNotOptimize(reconcile::plan(observed, kNow));
}
BENCHMARK(plan_nothing_to_do);

// All plans of a boot, from placed to Running.
void plan_boot(benchmark::State& state) {
  for (auto _ : state) {
    World world;
    while (world.step()) benchmark::DoNotOptimize(world.vm.status.phase);
  }
}
BENCHMARK(plan_boot);

nlohmann::json clone() {
  return {{"apiVersion", "chrysalis.dev/v1alpha1"},
          {"kind", "VirtualMachine"},
          {"metadata", {{"name", "b"}, {"namespace", "default"}}},
          {"spec",
           {{"source", {{"snapshot", {{"name", "golden"}}}}},
            {"resources", {{"cpu", 4}}}}}};
}

void verdict_refused(benchmark::State& state) {
  const nlohmann::json object = clone();
  if (!admission::judge(object).refused())
    return state.SkipWithError("the clone was let pass");
  for (auto _ : state) benchmark::DoNotOptimize(admission::judge(object));
}
BENCHMARK(verdict_refused);

// Of a VM that runs, changed by its user.
void verdict_update(benchmark::State& state) {
  const nlohmann::json old = running_vm(1);
  nlohmann::json object = old;
  object["spec"]["resources"]["cpu"] = 2;
  if (admission::judge(object, &old).refused())
    return state.SkipWithError("the change was refused");
  for (auto _ : state) benchmark::DoNotOptimize(admission::judge(object, &old));
}
BENCHMARK(verdict_update);

}  // namespace
}  // namespace chrysalis::bench

BENCHMARK_MAIN();
