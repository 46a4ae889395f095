#pragma once

// One coordination.k8s.io/v1 Lease as this folder sees it, and the seam to
// wherever leases live.
// Thread-safety: LeaseApi implementations: one thread at a time.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::runtime {

struct LeaseRecord {
  std::string holder;  // "" when released
  int32_t duration_seconds = 0;
  std::optional<Wall> acquire_time;
  std::optional<Wall> renew_time;
  int32_t transitions = 0;
  std::map<std::string, std::string> annotations;  // ours only
  std::string resource_version;  // "" of a lease that is to be created

  bool operator==(const LeaseRecord&) const = default;
};

class LeaseApi {
 public:
  virtual ~LeaseApi() = default;
  // Nothing when there is no such lease.
  virtual Result<std::optional<LeaseRecord>> get() = 0;
  // Creates it when resource_version is empty, else replaces exactly that
  // version. kConflict when someone else was first.
  virtual Result<LeaseRecord> write(const LeaseRecord& record) = 0;
};

}  // namespace chrysalis::runtime
