#pragma once

// The cache of one kind, without its type (store.h adds that): objects by
// key, indexes, the version gate, and what handlers are told.
//
// One writer (a reflector) changes it; any thread reads. A read sees one
// moment: objects, indexes and version change in one critical section.
// Handlers get keys, never objects, and are called on the writer's thread
// when the store already holds (or no longer holds) the object; they may read
// the store. A slow handler slows the writer, so handlers only queue keys.
// A handler that throws is counted, and the others are still told.
//
// Thread-safety: reads, wrote(), held_until() and the handler calls from any
// thread; upsert, remove, swap and advance from one at a time.
// Ownership: objects are shared and const.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "controller/runtime/object_key.h"
#include "controller/runtime/version_gate.h"

namespace chrysalis::runtime {

enum class Change {
  kAdded,
  kUpdated,
  kDeleted,
  kReleased,  // the version gate opened: reconcile now
};

struct Delivery {
  ObjectKey key;
  Change change;
  // Of the first list, or made up for a handler that came late: queue it at
  // low priority.
  bool initial = false;
};
using Handler = std::function<void(const Delivery&)>;

struct StoreCounts {
  uint64_t stale = 0;             // older than what is held: dropped
  uint64_t repeated = 0;          // the very version that is held
  uint64_t unknown_modified = 0;  // MODIFIED of a key not held: added
  uint64_t unknown_deleted = 0;   // DELETED of a key not held: ignored
  uint64_t handler_failures = 0;
};

// Objects by key, each with what the store compares.
struct StoredObject {
  std::string uid;
  std::string resource_version;
  std::shared_ptr<const void> object;
};
using StoredObjects =
    std::unordered_map<ObjectKey, StoredObject, ObjectKeyHash>;

// What a list or a WatchList gathers before it becomes the store at once.
class StoreStage {
 public:
  void upsert(const ObjectKey& key, StoredObject object);
  void remove(const ObjectKey& key);
  // It came and could not be decoded: it exists, so the swap must not delete
  // it; whatever the store has of it stays.
  void keep(const ObjectKey& key);
  void clear();

 private:
  friend class StoreCore;
  StoredObjects objects_;
  std::unordered_set<ObjectKey, ObjectKeyHash> kept_;
};

class StoreCore {
 public:
  using Object = std::shared_ptr<const void>;
  using IndexFunction = std::function<std::vector<std::string>(const void*)>;

  // ---- reads
  [[nodiscard]] Object get(const ObjectKey& key) const;
  [[nodiscard]] std::vector<Object> list() const;
  [[nodiscard]] std::vector<ObjectKey> keys() const;
  [[nodiscard]] size_t size() const;
  // In the order of their keys; empty for an index that does not exist.
  [[nodiscard]] std::vector<Object> find(std::string_view index,
                                         std::string_view value) const;
  [[nodiscard]] std::vector<ObjectKey> find_keys(std::string_view index,
                                                 std::string_view value) const;
  [[nodiscard]] std::string version() const;
  [[nodiscard]] StoreCounts counts() const;

  // ---- the gate (version_gate.h)
  void wrote(const ObjectKey& key, std::string_view version, Mono now);
  [[nodiscard]] std::optional<Mono> held_until(const ObjectKey& key, Mono now);

  // ---- set-up, at any time
  void add_index(std::string name, IndexFunction values_of);
  // Tells the handler of everything held, then of every change, in order.
  uint64_t add_handler(Handler handler);
  // No call begins after the return; from within the handler too.
  void remove_handler(uint64_t id);

  // ---- the writer
  void upsert(const ObjectKey& key, StoredObject object, bool modified);
  void remove(const ObjectKey& key, std::string_view version);
  void swap(StoreStage stage, std::string_view version);
  void advance(std::string_view version);

 private:
  struct Index {
    IndexFunction values_of;
    std::unordered_map<std::string, std::set<ObjectKey>> keys;
  };
  using Indexes = std::map<std::string, Index, std::less<>>;

  static void index_add(Indexes& indexes, const ObjectKey& key,
                        const StoredObject& object);
  static void index_remove(Indexes& indexes, const ObjectKey& key,
                           const StoredObject& object);
  Indexes build_indexes(const StoredObjects& objects) const;
  std::vector<Delivery> diff(const StoredObjects& next) const;
  void release(std::string_view version);
  void deliver(const Delivery& delivery);
  void call(const Handler& handler, const Delivery& delivery);

  // Taken before data_mutex_. Orders changes and deliveries; recursive, so
  // that a handler may remove itself.
  std::recursive_mutex writer_mutex_;
  std::map<uint64_t, std::shared_ptr<const Handler>> handlers_;
  uint64_t next_handler_ = 1;
  bool swapped_ = false;

  mutable std::shared_mutex data_mutex_;
  StoredObjects objects_;
  Indexes indexes_;
  std::string version_;
  VersionGate gate_;
  StoreCounts counts_;
};

}  // namespace chrysalis::runtime
