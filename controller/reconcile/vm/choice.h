#pragma once

// Which one thing to ask of the engine for a VM, and what stands in the way.
// No status is made here. PURE.

#include <optional>
#include <string>

#include "controller/reconcile/hindrance.h"
#include "controller/reconcile/vm/plan.h"

namespace chrysalis::reconcile {

struct Choice {
  std::optional<engine::Request> request;
  // What is to be done now or is being done, as far as status tells of it;
  // a try after a failure is none: the hindrance stands until it succeeds.
  std::optional<engine::Kind> doing;
  std::optional<Hindrance> power;    // keeps the VM from being as asked
  std::optional<Hindrance> restore;  // keeps the asked restore from its end
  bool restore_due = false;          // it was asked for and is not finished
  bool finished = false;             // it ended for good
  bool foreign = false;              // the request restores a foreign snapshot
  bool retrying = false;  // what is in flight failed before: tell its end only
  std::optional<Wall> wake_at;
  Memory memory;
};

// REQUIRES: not deleted, our finalizer stands, memory is settled.
Choice choose(const VmObserved& observed, Wall now);

// Asks, unless the same request failed: then it waits its back-off, or for
// another spec. Sets request, doing, wake_at and the hindrance.
// attempt, snapshot_uid: what makes the request this one.
void ask_for(Choice& choice, engine::Request request, const Asked& asked,
             Wall now);

// ---- the parts of choose(), by what the VM is

// It has no record: boot it from its image, or clone it.
void choose_first_start(Choice& choice, const VmObserved& observed, Wall now);
// Its power is not as asked, it ended, or a cold boot was asked for.
void choose_power(Choice& choice, const VmObserved& observed, Wall now);
// A restore in place was asked for.
void choose_restore(Choice& choice, const VmObserved& observed, Wall now);

// Its vCPUs stand still only while we save or replace them.
bool frozen_for_us(const VmObserved& observed);

void wake(Choice& choice, Wall at);  // the earlier counts

}  // namespace chrysalis::reconcile
