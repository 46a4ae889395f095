#pragma once

// Read-your-own-writes for a cache: after a write, its key is held until the
// cache has passed the resourceVersion that the write returned, so that no
// reconcile acts on the state before its own write (KEP-5647).
//
// "Passed" is the cache's version by objects or bookmarks. Versions that
// cannot be compared hold nothing: acting on a stale view costs a refused
// write, as every write carries its precondition; being stuck costs the
// object. For the same reason a hold ends by itself after kLongestHold.
// Thread-safety: none. PURE.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/runtime/object_key.h"
#include "src/base/clock.h"

namespace chrysalis::runtime {

class VersionGate {
 public:
  static constexpr seconds kLongestHold{120};  // bookmarks come each minute

  // A write of ours to `key` returned `version`.
  void wrote(const ObjectKey& key, std::string_view version, Mono now);

  // Until when the key is held at most; nothing when it is free.
  [[nodiscard]] std::optional<Mono> held_until(const ObjectKey& key, Mono now);

  // The cache is as of `version`: the keys that this releases.
  std::vector<ObjectKey> advance(std::string_view version);

  [[nodiscard]] size_t size() const { return holds_.size(); }

 private:
  struct Hold {
    std::string version;
    Mono until;
  };
  std::string cache_version_;
  std::unordered_map<ObjectKey, Hold, ObjectKeyHash> holds_;
};

}  // namespace chrysalis::runtime
