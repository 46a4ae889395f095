#include "controller/runtime/version_gate.h"

#include "controller/kube/resource_version.h"

namespace chrysalis::runtime {

void VersionGate::wrote(const ObjectKey& key, std::string_view version,
                        Mono now) {
  if (!kube::is_older(cache_version_, version)) return;
  const auto found = holds_.find(key);
  if (found != holds_.end() && kube::is_older(version, found->second.version)) {
    return;
  }
  holds_[key] = {std::string(version), now + kLongestHold};
}

std::optional<Mono> VersionGate::held_until(const ObjectKey& key, Mono now) {
  const auto found = holds_.find(key);
  if (found == holds_.end()) return std::nullopt;
  if (now < found->second.until) return found->second.until;
  holds_.erase(found);
  return std::nullopt;
}

std::vector<ObjectKey> VersionGate::advance(std::string_view version) {
  cache_version_ = version;
  std::vector<ObjectKey> released;
  for (auto it = holds_.begin(); it != holds_.end();) {
    if (kube::is_older(version, it->second.version)) {
      ++it;
    } else {
      released.push_back(it->first);
      it = holds_.erase(it);
    }
  }
  return released;
}

}  // namespace chrysalis::runtime
