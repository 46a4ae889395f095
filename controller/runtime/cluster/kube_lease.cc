#include "controller/runtime/cluster/kube_lease.h"

#include <utility>

#include "controller/api/objects/agent_facts.h"

namespace chrysalis::runtime {

Result<std::optional<LeaseRecord>> KubeLease::get() {
  auto lease = client_.get_lease(name_);
  if (lease) return take(std::move(*lease));
  if (lease.error().code == Code::kNotFound) return std::nullopt;
  return tl::unexpected<Error>(std::move(lease).error());
}

Result<LeaseRecord> KubeLease::write(const LeaseRecord& record) {
  kube::Lease lease{.ns = name_.ns,
                    .name = name_.name,
                    .resource_version = record.resource_version,
                    .annotations = record.annotations,
                    .holder = record.holder,
                    .duration_seconds = record.duration_seconds,
                    .transitions = record.transitions,
                    .acquire_time = record.acquire_time,
                    .renew_time = record.renew_time};
  const bool create = record.resource_version.empty();
  if (!create) lease.annotations.insert(others_.begin(), others_.end());
  CHRYSALIS_ASSIGN(kube::Lease written, create ? client_.create_lease(lease)
                                               : client_.replace_lease(lease));
  return take(std::move(written));
}

LeaseRecord KubeLease::take(kube::Lease lease) {
  LeaseRecord record{.holder = std::move(lease.holder),
                     .duration_seconds = lease.duration_seconds,
                     .acquire_time = lease.acquire_time,
                     .renew_time = lease.renew_time,
                     .transitions = lease.transitions,
                     .annotations = {},
                     .resource_version = std::move(lease.resource_version)};
  others_.clear();
  for (auto& [key, value] : lease.annotations) {
    auto& into =
        key.starts_with(api::kAnnotationPrefix) ? record.annotations : others_;
    into.emplace(key, std::move(value));
  }
  return record;
}

}  // namespace chrysalis::runtime
