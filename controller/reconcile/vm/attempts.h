#pragma once

// The law of attempts: a restore and a restart are requests, done once.
// The record is the memory; status is only its mirror and is not asked.
// PURE.

#include <cstdint>
#include <optional>
#include <string>

#include "controller/api/objects/virtual_machine.h"
#include "src/store/records.h"

namespace chrysalis::reconcile {

enum class RestoreTurn : uint8_t {
  kNotAsked,  // spec.restore is absent
  kFinished,  // the last finished pair again: nothing to do
  kDue,       // above the highest finished attempt
  kUsed,      // neither: AttemptUsed
  kNewVm,     // the VM never ran: there is nothing to restore
};

// record: null where the node knows nothing of the uid.
RestoreTurn restore_turn(const std::optional<api::RestoreSpec>& asked,
                         const store::VmRecord* record);

// "attempt 1 was used; ask for attempt 3"
std::string attempt_used(uint64_t asked, uint64_t highest_done);

// Why a VM that never ran cannot be restored, and what to do.
std::string restore_of_new_vm();

// "set spec.restart.attempt to 3": what asks for the next cold boot.
std::string ask_restart(const std::optional<uint64_t>& asked,
                        const store::VmRecord& record);

// A cold boot was asked for that no start has satisfied yet.
bool restart_due(const std::optional<uint64_t>& asked,
                 const store::VmRecord& record);

}  // namespace chrysalis::reconcile
