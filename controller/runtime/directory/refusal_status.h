#pragma once

// How a manifest that does not count is said in a status file: what an API
// server would have answered to whoever applied it.
// PURE. Thread-safety: pure functions.

#include <string>
#include <vector>

#include "controller/api/objects/meta.h"
#include "controller/runtime/directory/judge.h"
#include "src/base/clock.h"

namespace chrysalis::runtime::directory {

// Of an object that was never accepted: Stalled, and not Ready. Of one that
// goes on as it was accepted (generation is not 0): Stalled on top of what its
// status says.
void say_refused(std::vector<api::Condition>& conditions,
                 const Refusal& refusal, uint64_t generation, Wall since);

// Of a status that was read from its file: without the refusal that was put on
// top of it, which the next scan finds again if it still stands.
void unsay_refused(std::vector<api::Condition>& conditions);

// "Its manifest was removed ...": for the top of the file.
std::string removed_note(const ObjectId& id);

}  // namespace chrysalis::runtime::directory
