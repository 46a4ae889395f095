#pragma once

// Objects that are not where they were: believed only when seen twice, 30 s
// apart, because one look may be at a server that lags. Thread-safety: every
// call from any thread; time is given.

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "src/base/clock.h"

namespace chrysalis::runtime {

inline constexpr seconds kSeenTwiceApart{30};

class Absence {
 public:
  // It was looked for and is not there. Nothing: believe it. Else when to
  // look again.
  std::optional<Mono> missing(const std::string& uid, Mono now);
  void found(const std::string& uid);

  // Whether to act on it now: at most every 30 s, for what fails at once.
  bool may_act(const std::string& uid, Mono now);

 private:
  struct Seen {
    std::optional<Mono> first;
    std::optional<Mono> acted;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Seen> seen_;
};

}  // namespace chrysalis::runtime
