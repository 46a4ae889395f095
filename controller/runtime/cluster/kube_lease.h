#pragma once

// One lease of the API server, for an Elector or a HeartbeatThread.
// Annotations of others are kept over our writes and not shown.
// Thread-safety: one thread at a time.
// Ownership: borrows the client; it outlives this. Its call_timeout must be
// well below the time within which the lease is to be renewed
// (kLeaseCallTimeout); its stop token ends a call under way.
// Errors: lease_record.h; kUnavailable, kTimeout - the effect is unknown.

#include <map>
#include <string>

#include "controller/kube/client.h"
#include "controller/runtime/lease_record.h"

namespace chrysalis::runtime {

inline constexpr milliseconds kLeaseCallTimeout{5'000};

class KubeLease final : public LeaseApi {
 public:
  KubeLease(kube::Client& client, kube::ObjectName name)
      : client_(client), name_(std::move(name)) {}

  Result<std::optional<LeaseRecord>> get() override;
  Result<LeaseRecord> write(const LeaseRecord& record) override;

 private:
  LeaseRecord take(kube::Lease lease);

  kube::Client& client_;
  const kube::ObjectName name_;
  std::map<std::string, std::string> others_;  // annotations, as last seen
};

}  // namespace chrysalis::runtime
