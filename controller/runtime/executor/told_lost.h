#pragma once

// NodeLost is said once a loss: an agent that still writes while its lease is
// lost must not be fought. Thread-safety: every call from any thread.

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "controller/runtime/object_key.h"

namespace chrysalis::runtime {

class ToldLost {
 public:
  void told(const ObjectKey& key, const std::string& uid,
            const std::string& node) {
    const std::lock_guard lock(mutex_);
    told_[key] = {uid, node};
  }
  [[nodiscard]] bool was_told(const ObjectKey& key,
                              const std::string& uid) const {
    const std::lock_guard lock(mutex_);
    const auto at = told_.find(key);
    return at != told_.end() && at->second.uid == uid;
  }
  void forget(const ObjectKey& key) {
    const std::lock_guard lock(mutex_);
    told_.erase(key);
  }
  // These nodes' agents live: another loss of theirs is another one.
  void returned(const std::set<std::string>& alive) {
    const std::lock_guard lock(mutex_);
    std::erase_if(told_, [&](const auto& entry) {
      return alive.contains(entry.second.node);
    });
  }

 private:
  struct Entry {
    std::string uid, node;
  };
  mutable std::mutex mutex_;
  std::map<ObjectKey, Entry> told_;
};

}  // namespace chrysalis::runtime
