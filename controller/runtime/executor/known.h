#pragma once

// What the executor keeps of the objects of one kind: which key a uid has,
// and the planner's memory of it. A key may have several uids: the object,
// and others of its name that the engine still has.
// Thread-safety: every call from any thread.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "controller/reconcile/memory.h"
#include "controller/runtime/object_key.h"

namespace chrysalis::runtime {

class Known {
 public:
  void learn(const std::string& uid, const ObjectKey& key);
  void forget(const std::string& uid);

  [[nodiscard]] std::optional<ObjectKey> key_of(const std::string& uid) const;
  [[nodiscard]] std::vector<std::string> uids_of(const ObjectKey& key) const;

  [[nodiscard]] reconcile::Memory memory(const std::string& uid) const;
  void remember(const std::string& uid, reconcile::Memory memory);

  // Its deletion was asked for: data may go even if the object goes first.
  void saw_deletion(const std::string& uid);
  [[nodiscard]] bool deletion_seen(const std::string& uid) const;

 private:
  struct Entry {
    ObjectKey key;
    reconcile::Memory memory;
    bool deletion_seen = false;
  };
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  std::multimap<ObjectKey, std::string> by_key_;
};

// Who is to be looked at again when another object changes: each waiter waits
// on one object at most. Thread-safety: every call from any thread.
class Waiters {
 public:
  // Nothing: it waits on none.
  void wait(const ObjectKey& waiter, const std::optional<ObjectKey>& on);
  [[nodiscard]] std::vector<ObjectKey> on(const ObjectKey& object) const;

 private:
  mutable std::mutex mutex_;
  std::map<ObjectKey, ObjectKey> waits_;
  std::multimap<ObjectKey, ObjectKey> waiters_;
};

}  // namespace chrysalis::runtime
