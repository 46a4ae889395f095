#pragma once

// The database's tables as numbered migrations, and who may open it.
// Internal to src/store. A migration only adds; an old one is never edited.
// Every record table is: key columns, body (JSON, record_shapes.h), crc
// (CRC-32 over table, key and body, row_crc).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "src/base/result.h"
#include "src/store/sqlite.h"

namespace chrysalis::store {

inline constexpr uint32_t kApplicationId = 0x43485259;  // "CHRY"
// What this program writes; also the newest min_reader it can read.
inline constexpr uint32_t kSchemaVersion = 2;

// Refuses what is not ours, is damaged, or needs a newer reader; touches
// nothing then. An empty file is fine: version 0.
Result<void> check_database(sqlite::Connection& db);
// Brings it to kSchemaVersion, each migration in its transaction. A database
// of a later version that we may read stays as it is.
Result<void> migrate(sqlite::Connection& db);

// Separated by NUL, so that ("ab","c") and ("a","bc") differ.
uint32_t row_crc(std::string_view table, std::span<const std::string> key,
                 std::string_view body);

}  // namespace chrysalis::store
