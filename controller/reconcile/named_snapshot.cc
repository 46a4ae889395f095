#include "controller/reconcile/named_snapshot.h"

#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using engine::Reason;

std::string called(const SnapshotUse& use) { return "VMSnapshot " + use.name; }

Hindrance not_ready(const SnapshotUse& use, const api::VmSnapshot& snapshot) {
  std::string why = " is not ready yet";
  if (const auto* stalled =
          api::find_condition(snapshot.status.conditions, condition::kStalled);
      stalled != nullptr && stalled->status == api::Truth::kTrue)
    why = " has failed: " + stalled->reason;
  return waits(to_string(Reason::kSnapshotNotReady), called(use) + why);
}

}  // namespace

std::optional<Hindrance> snapshot_lacks(const VmObserved& observed,
                                        const SnapshotUse& use) {
  const auto& named = observed.snapshot;
  if (!named)
    return waits(to_string(Reason::kSnapshotNotReady),
                 called(use) + " could not be looked up");
  if (!named->object)
    return waits(to_string(Reason::kSnapshotNotFound),
                 "there is no " + called(use) + " in this namespace");
  const api::VmSnapshot& snapshot = *named->object;
  if (snapshot.meta.deleted_at)
    return waits(to_string(Reason::kSnapshotNotReady),
                 called(use) + " is being deleted");
  const std::string& node = snapshot.status.node_name;
  if (!node.empty() && node != observed.node.name)
    return stalls(reason::kSnapshotOnOtherNode, called(use) + " is on node " +
                                                    node + ", this VM on " +
                                                    observed.node.name);
  if (node.empty() || !named->view.ready || !named->view.record)
    return not_ready(use, snapshot);
  const store::SnapshotRecord& record = *named->view.record;
  if (!use.manifest_digest.empty() &&
      use.manifest_digest != record.manifest_digest)
    return stalls(to_string(Reason::kManifestMismatch),
                  called(use) + " has " + record.manifest_digest +
                      ", asked for is " + use.manifest_digest);
  if (use.on_demand &&
      record.config.hypervisor == model::Hypervisor::kFirecracker)
    return stalls(to_string(Reason::kOnDemandUnsupported),
                  "onDemand true: Firecracker has no onDemand; remove it");
  return std::nullopt;
}

bool is_out_of_sight(const VmObserved& observed) {
  const auto& named = observed.snapshot;
  return !named || !named->object ||
         named->object->status.node_name != observed.node.name;
}

Hindrance refused_config(const model::Assembled& assembled,
                         const model::VmConfig& theirs,
                         const model::VmConfig* ours) {
  Reason why = Reason::kInvalidConfig;
  if (ours != nullptr && ours->hypervisor != theirs.hypervisor)
    why = Reason::kHypervisorMismatch;
  else if (ours != nullptr && ours->nics != theirs.nics)
    why = Reason::kNicCountMismatch;
  return stalls(to_string(why), model::join(assembled.faults));
}

}  // namespace chrysalis::reconcile
