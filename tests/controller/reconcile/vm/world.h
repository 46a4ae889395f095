#pragma once

// One VirtualMachine with an engine that is played by hand: a plan is carried
// out, operations end as the test says, and what the record keeps of them is
// what the engine's contract says. Writes and requests are counted.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/reconcile/vm/plan.h"
#include "controller/reconcile/vm/status.h"
#include "controller/reconcile/words.h"
#include "tests/fakes/engine/played_vm.h"

namespace chrysalis::reconcile {

inline constexpr Wall kStart{seconds{1'800'000'000}};

// What the manifest of that snapshot hashes to.
std::string digest_of(const std::string& uid);

// A snapshot of `source_uid` as this node would have it, ready.
NamedSnapshot make_snapshot(const std::string& name, const std::string& uid,
                            const std::string& source_uid);

class VmWorld : public PlayedVm {
 public:
  VmWorld();

  // ---- what the test sets
  api::VirtualMachine vm;
  std::optional<NamedSnapshot> snapshot;
  NodeFacts node;
  Memory memory;
  Wall now = kStart;

  // ---- what is counted
  int finalizer_writes = 0, status_writes = 0;
  std::vector<engine::Kind> asked;
  std::vector<Note> events;
  std::optional<engine::Request> in_flight;
  // As it was when the engine was asked: later edits name others.
  std::shared_ptr<const store::SnapshotRecord> in_flight_snapshot;

  // The user's edit.
  api::VmSpec& edit() {
    ++vm.meta.generation;
    return vm.spec;
  }

  [[nodiscard]] VmObserved observe() const;
  [[nodiscard]] VmPlan look() const { return plan(observe(), now); }
  // Carries one plan out. False: there was nothing to do.
  bool step();
  // Until nothing is left to do but to wait. Fails the test when that takes
  // more than 20 plans.
  void run();
  // The operation in flight ends, and the world goes on.
  void succeed();
  void fail(engine::Reason reason, bool refused = false,
            std::string message = "");
  void roll_back(engine::Reason reason);
  void interrupt();  // undone by a successor: nothing was used up
  // Runs until it is up.
  void boot();
  void guest_ends(bool clean, int code = 0);
  // Another agent: memory is lost.
  void new_agent() { memory = {}; }
  // Restores finished the status of nobody.
  void lose_status() { vm.status = {}; }

  // ---- what status says
  [[nodiscard]] std::string condition(ConditionType type) const;
  [[nodiscard]] std::string phase() const;
  [[nodiscard]] std::string kstatus() const;
};

}  // namespace chrysalis::reconcile
