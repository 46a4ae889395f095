#pragma once

// What is remembered of an object, and how it changes: uid and generation as
// an API server gives them, and what of it the reconcilers shall see.
// PURE. Thread-safety: values.

#include <cstdint>
#include <string>

#include "controller/runtime/directory/directory_scan.h"
#include "src/base/clock.h"
#include "src/store/records.h"

namespace chrysalis::runtime::directory {

// A manifest's object, judged good.
struct Accepted {
  std::string file, spec;
  std::string digest;  // of spec; "sha256:..."
};

store::IdentityRow first_identity(const ObjectId& id, std::string uid,
                                  const Accepted& accepted, Wall now);
// The generation counts up when something else is shown in spec than before:
// another spec, or powerState Stopped while its manifest is removed.
store::IdentityRow with_manifest(store::IdentityRow row,
                                 const Accepted& accepted);
store::IdentityRow without_manifest(store::IdentityRow row);
// `chrysalis delete`: once only; the first instant stands.
store::IdentityRow deleting(store::IdentityRow row, Wall now);

// The object of a row; false: it is none of our kinds.
bool id_of(const store::IdentityRow& row, ObjectId& id);

// What the node has of an object's uid.
struct NodeData {
  bool any = false;        // a record, or an operation that runs
  bool published = false;  // a snapshot that is ready
};
enum class Shown : uint8_t {
  kHidden,    // the reconcilers do not see it
  kAsAsked,   // spec as accepted
  kStopped,   // the same, with powerState Stopped
  kDeleting,  // with meta.deleted_at
};
Shown shown_as(const store::IdentityRow& row, const NodeData& data);

}  // namespace chrysalis::runtime::directory
