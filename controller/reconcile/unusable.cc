#include "controller/reconcile/unusable.h"

#include "controller/reconcile/conditions.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using engine::Reason;

std::string called(const std::string& name) { return "VMSnapshot " + name; }

}  // namespace

std::optional<Hindrance> unusable(const std::string& name,
                                  const api::VmSnapshot& snapshot) {
  if (snapshot.meta.deleted_at)
    return waits(Reason::kSnapshotNotReady, called(name) + " is being deleted");
  const api::Condition* why = stalled(snapshot.status.conditions);
  if (why == nullptr || snapshot.status.ready_to_use) return std::nullopt;
  return stalls(Reason::kSnapshotNotReady,
                called(name) + " has failed: " + why->reason +
                    "; it is never taken again: create another one");
}

Hindrance not_ready_yet(const std::string& name) {
  return waits(Reason::kSnapshotNotReady, called(name) + " is not ready yet");
}

Hindrance no_such_snapshot(const std::string& name) {
  return waits(Reason::kSnapshotNotFound,
               "there is no " + called(name) + " in this namespace");
}

}  // namespace chrysalis::reconcile
