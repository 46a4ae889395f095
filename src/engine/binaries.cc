#include "src/engine/binaries.h"

#include <chrono>

#include "src/hypervisor/version.h"

namespace chrysalis::engine {
namespace {

constexpr seconds kProbeTime{10};

}  // namespace

Result<Binary> NodeBinaries::configured(model::Hypervisor kind) {
  const auto program = programs_.find(kind);
  if (program == programs_.end())
    return fail(Code::kNotFound,
                "no program is configured for " + std::string(to_string(kind)));
  CHRYSALIS_ASSIGN(
      hypervisor::Probed probed,
      prober_.probe(kind, program->second,
                    std::chrono::steady_clock::now() + kProbeTime));
  Binary out;
  CHRYSALIS_ASSIGN(out.path, kept_.keep(program->second, probed.sha256));
  out.vmm = {std::move(probed.said), std::move(probed.sha256),
             std::move(probed.snapshot_format)};
  out.no_snapshot = why_no_snapshot(kind, out.vmm);
  return out;
}

Result<Binary> NodeBinaries::kept(model::Hypervisor kind,
                                  const store::Vmm& vmm) {
  Binary out;
  CHRYSALIS_ASSIGN(out.path, kept_.find(vmm.sha256));
  out.vmm = vmm;
  out.no_snapshot = why_no_snapshot(kind, vmm);
  return out;
}

void NodeBinaries::cannot_snapshot(model::Hypervisor kind,
                                   const std::string& sha256, Reason why) {
  const std::lock_guard lock(mutex_);
  learned_[{kind, sha256}] = why;
}

Reason NodeBinaries::why_no_snapshot(model::Hypervisor kind,
                                     const store::Vmm& vmm) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = learned_.find({kind, vmm.sha256});
        known != learned_.end())
      return known->second;
  }
  const auto version = hypervisor::parse_version(vmm.version);
  if (!version) return Reason::kSnapshotUnsupported;
  switch (hypervisor::snapshot_support(kind, *version, nested_)) {
    case hypervisor::SnapshotSupport::kYes:
    case hypervisor::SnapshotSupport::kUntried:
      return Reason::kNone;
    case hypervisor::SnapshotSupport::kBlockDrainMissing:
      return Reason::kBlockDrainMissing;
  }
  return Reason::kNone;
}

}  // namespace chrysalis::engine
