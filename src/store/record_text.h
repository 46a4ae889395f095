#pragma once

// A record as the text of a file of its own: vm.json of a generation,
// snapshot.json of a snapshot. Written once, for a human and for rebuilding
// the database from what lies on disk. The grammar is the database's: members
// may be missing (an older version wrote it), unknown ones are ignored.
// Thread-safety: pure functions.
// Errors: kCorrupt - "config: cpu: not a whole number"; bounded, never throws.

#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/store/records.h"

namespace chrysalis::store {

std::string to_text(const VmRecord& record);
std::string to_text(const SnapshotRecord& record);
Result<VmRecord> vm_record_from_text(std::string_view text);
Result<SnapshotRecord> snapshot_record_from_text(std::string_view text);

}  // namespace chrysalis::store
