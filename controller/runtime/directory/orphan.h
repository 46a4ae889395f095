#pragma once

// What the node has under a name that no manifest ever gave: made by an agent
// on the same state, or older than its row. `chrysalis delete` reaches it too.
// Thread-safety: as the database.

#include <optional>

#include "controller/runtime/directory/directory_scan.h"
#include "src/store/node_db.h"
#include "src/store/records.h"

namespace chrysalis::runtime::directory {

// A row that asks for nothing but can be deleted. Nothing: the node has no
// such object. Of several with one name, the first by uid.
std::optional<store::IdentityRow> orphan_of(const ObjectId& id,
                                            const store::NodeDb& db);

}  // namespace chrysalis::runtime::directory
