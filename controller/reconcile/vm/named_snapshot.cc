#include "controller/reconcile/vm/named_snapshot.h"

#include "controller/reconcile/unusable.h"
#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {
namespace {

using engine::Reason;

std::string called(const SnapshotUse& use) { return "VMSnapshot " + use.name; }

}  // namespace

std::optional<Hindrance> snapshot_lacks(const VmObserved& observed,
                                        const SnapshotUse& use) {
  const auto& named = observed.snapshot;
  if (!named)
    return waits(Reason::kSnapshotNotReady,
                 called(use) + " could not be looked up");
  if (!named->object) return no_such_snapshot(use.name);
  const api::VmSnapshot& snapshot = *named->object;
  if (auto why = unusable(use.name, snapshot)) return why;
  const std::string& node = snapshot.status.node_name;
  if (!node.empty() && node != observed.node.name)
    return stalls(StatusReason::kSnapshotOnOtherNode,
                  called(use) + " is on node " + node + ", this VM on " +
                      observed.node.name +
                      "; name a snapshot of this node, or create the VM anew");
  if (node.empty() || !named->view.ready || !named->view.record)
    return not_ready_yet(use.name);
  const store::SnapshotRecord& record = *named->view.record;
  if (!use.manifest_digest.empty() &&
      use.manifest_digest != record.manifest_digest)
    return stalls(Reason::kDigestMismatch,
                  called(use) + " has " + record.manifest_digest +
                      ", asked for is " + use.manifest_digest);
  if (use.on_demand &&
      record.config.hypervisor == model::Hypervisor::kFirecracker)
    return stalls(Reason::kOnDemandUnsupported,
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
  const std::string message = model::join(assembled.faults);
  if (ours != nullptr && ours->hypervisor != theirs.hypervisor)
    return stalls(Reason::kHypervisorMismatch, message);
  if (ours != nullptr && ours->nics != theirs.nics)
    return stalls(Reason::kNicCountMismatch, message);
  // What the snapshot itself has against the rules is not the spec's fault.
  if (!model::validate(theirs).empty())
    return stalls(Reason::kInvalidConfig, message);
  return stalls(StatusReason::kInvalidSpec, message);
}

}  // namespace chrysalis::reconcile
