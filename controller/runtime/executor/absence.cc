#include "controller/runtime/executor/absence.h"

namespace chrysalis::runtime {

std::optional<Mono> Absence::missing(const std::string& uid, Mono now) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[uid];
  if (!seen.first) seen.first = now;
  const Mono believed_at = *seen.first + kSeenTwiceApart;
  if (now >= believed_at) return std::nullopt;
  return believed_at;
}

void Absence::found(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  seen_.erase(uid);
}

bool Absence::may_act(const std::string& uid, Mono now) {
  const std::lock_guard lock(mutex_);
  Seen& seen = seen_[uid];
  if (seen.acted && now < *seen.acted + kSeenTwiceApart) return false;
  seen.acted = now;
  return true;
}

}  // namespace chrysalis::runtime
