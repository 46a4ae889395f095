#pragma once

// From a plan's notes to events, and the log line of a write that failed.

#include <string>
#include <utility>
#include <vector>

#include "controller/reconcile/facts.h"
#include "controller/runtime/object_store.h"
#include "src/base/log.h"

namespace chrysalis::runtime {

inline void tell(EventSink& events, api::Kind kind, const ObjectKey& key,
                 const std::string& uid, std::vector<reconcile::Note> notes) {
  for (reconcile::Note& note : notes)
    events.tell({kind, key, uid, note.warning, std::move(note.reason),
                 std::move(note.action), std::move(note.message)});
}

// A refused version is everyday; everything else is worth a line.
inline void log_refused(const ObjectKey& key, const Error& error) {
  if (error.code == Code::kConflict || error.code == Code::kNotFound) return;
  log::warning("status not written", {{"object", to_string(key)},
                                      {"code", to_string(error.code)},
                                      {"error", error.message}});
}

}  // namespace chrysalis::runtime
