#pragma once

// Where the objects of the two kinds live, as the reconcilers see it: watched
// into a cache, their status and finalizer written, events told. Two
// implementations: an API server (cluster/) and a directory (directory/).
//
// Thread-safety: every call from any thread.
// Errors of writes: kConflict - the object changed or went since it was read:
//   nothing was written; look again. kNotFound - it is gone. kInvalid - refused
//   for good. kUnavailable, kTimeout - try again; the effect may have happened.
// Read-your-own-writes: after a write, held_until() names the key until the
//   cache has seen it, so that nobody acts on the state before it.
// Ownership: objects are shared and const.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/names.h"
#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "controller/runtime/event_note.h"
#include "controller/runtime/object_key.h"
#include "controller/runtime/store_core.h"
#include "src/base/result.h"

namespace chrysalis::runtime {

template <class T>  // api::VirtualMachine or api::VmSnapshot
class Objects {
 public:
  using Object = std::shared_ptr<const T>;
  virtual ~Objects() = default;

  // ---- the cache
  [[nodiscard]] virtual Object get(const ObjectKey& key) const = 0;
  [[nodiscard]] virtual std::vector<Object> list() const = 0;
  // True once the first list is in the cache and every handler was told of it.
  [[nodiscard]] virtual bool synced() const = 0;
  // Told once, after synced() has become true; at once if it is. Must be
  // cheap. REQUIRES: as yet no list is under way.
  virtual void on_synced(std::function<void()> told) = 0;
  // Told of everything held, then of every change; must be cheap (queue keys).
  virtual uint64_t add_handler(Handler handler) = 0;
  virtual std::optional<Mono> held_until(const ObjectKey& key, Mono now) = 0;

  // ---- the source itself; blocks, bounded by a deadline of its own
  // By name, whatever the cache selects: an empty pointer when there is none.
  virtual Result<Object> read(const ObjectKey& key) = 0;
  // The whole status, in place of what stands there. `of` is what it was
  // computed from.
  virtual Result<> write_status(const T& of,
                                const typename T::Status& status) = 0;
  // Adds or removes one finalizer.
  virtual Result<> set_finalizer(const T& of, std::string_view finalizer,
                                 bool present) = 0;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Never blocks and never fails the caller: what does not fit is counted.
  virtual void tell(EventNote note) = 0;
};

struct ObjectStore {
  Objects<api::VirtualMachine>& vms;
  Objects<api::VmSnapshot>& snapshots;
  EventSink& events;
};

}  // namespace chrysalis::runtime
