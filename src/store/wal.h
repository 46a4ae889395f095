#pragma once

// Keeps the write-ahead log at one size. Internal to src/store.

#include <cstdint>
#include <filesystem>

#include "src/base/result.h"

namespace chrysalis::store {

// A commit into a growing log costs ten times one into written blocks, so the
// log has this size from the start. SQLite ignores what stands behind its last
// valid frame.
inline constexpr uint64_t kWalBytes = 4u << 20;
// The checkpoint thread starts here, well before the log is full...
inline constexpr int kCheckpointPages = 256;
// ...and the writer itself helps when it cannot keep up.
inline constexpr int kWriterCheckpointPages = 900;

// Writes zeros behind the end of the log, up to kWalBytes, and syncs it.
// REQUIRES: nobody else writes to the database meanwhile.
Result<void> fill_wal(const std::filesystem::path& wal);

}  // namespace chrysalis::store
