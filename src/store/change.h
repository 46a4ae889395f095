#pragma once

// A Mutation made ready by the caller's thread: encoded and checked, so that
// the writer only binds and steps. Internal to src/store.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/store/node_db.h"
#include "src/store/sqlite.h"
#include "src/store/tables.h"

namespace chrysalis::store {

// The prepared statements of one table.
template <class T>
struct Statements {
  sqlite::Statement put, erase, erase_all;
};
using AllStatements = OfEachTable<Statements>;

Result<AllStatements> prepare_statements(sqlite::Connection& db);

// What a change may use on the writer's thread. `mirror` is read only there:
// it is what the last COMMIT left.
struct WriteContext {
  AllStatements& statements;
  const Mirror& mirror;
  uint32_t operations_kept = 20;
};

struct Change {
  std::function<Result<void>(WriteContext&)> write;
  std::function<void(Mirror&, uint32_t operations_kept)> apply;
};

// kInvalid: a uid or a name that may not stand in a path.
Result<std::vector<Change>> prepare_changes(std::vector<Mutation> mutations);

// Reads a whole table into the mirror, checking each row. kCorrupt names the
// row. A table that an older schema lacks is empty.
Result<void> load_all(sqlite::Connection& db, Mirror& mirror);

}  // namespace chrysalis::store
