#pragma once

// What the status of a VirtualMachine says: facts of the view and the record,
// and the conditions of the choice. No action is chosen here. PURE.

#include "controller/reconcile/vm/choice.h"

namespace chrysalis::reconcile {

// The whole status. Times are whole seconds, as they are written; a condition
// keeps its time while its status is the same.
api::VmStatus vm_status(const VmObserved& observed, const Choice& choice,
                        Wall now);

// While the object is being deleted.
api::VmStatus deleting_status(const VmObserved& observed,
                              const std::optional<Hindrance>& hindrance,
                              Wall now);

// Equal but for the order of lists whose order says nothing.
bool same_status(const api::VmStatus& a, const api::VmStatus& b);

// What became of Ready and of the restore, a record that drifted, and a disk
// that cannot shrink.
std::vector<Note> transitions(const api::VmStatus& before,
                              const api::VmStatus& after);

// "it ended (VmmFailed, exit code 1)"
std::string how_it_ended(const engine::VmView& view);

// ---- the parts of vm_status()
// Of a VM that inherited and runs, while nothing is on its way that gives it
// another configuration: what its record says and what was read back.
std::vector<model::Drift> drift_of_record(const VmObserved& observed,
                                          const Choice& choice);
api::VmPhase phase_of(const VmObserved& observed, const Choice& choice);
void set_conditions(api::VmStatus& status, const VmObserved& observed,
                    const Choice& choice, Wall now);
std::optional<api::RestoreStatus> restore_status(const VmObserved& observed,
                                                 const Choice& choice);

}  // namespace chrysalis::reconcile
