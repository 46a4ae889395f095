#pragma once

// The little of SQLite that node_db needs, with Result instead of codes.
// Internal to src/store: the only files that include sqlite3.h.
// Thread-safety: a Connection and its Statements by one thread at a time.
// Errors: kCorrupt (SQLITE_CORRUPT, NOTADB), else kUnavailable.

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/result.h"

namespace chrysalis::store::sqlite {

class Statement {
 public:
  // Parameters and columns: SQLite counts the first from 1, the second from 0.
  void bind(int index, std::string_view text);
  void bind(int index, uint64_t number);
  // True: a row is there. False: done; the statement is ready to be bound
  // anew, as it is after an error.
  Result<bool> step();
  Result<void> run();                                     // steps until done
  [[nodiscard]] std::string_view text(int column) const;  // until next step
  [[nodiscard]] uint64_t number(int column) const;

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Connection {
 public:
  // flags: SQLITE_OPEN_*; waits up to 5 s for another program's lock.
  static Result<Connection> open(const std::filesystem::path& path, int flags);

  // REQUIRES: the connection outlives the statement.
  [[nodiscard]] Result<Statement> prepare(std::string_view sql);
  [[nodiscard]] Result<void> execute(const char* sql);
  // The first column of the first row.
  [[nodiscard]] Result<std::string> ask(std::string_view sql);
  [[nodiscard]] sqlite3* raw() const { return db_.get(); }
  // No transaction is open (also after SQLite rolled one back by itself).
  [[nodiscard]] bool idle() const {
    return sqlite3_get_autocommit(db_.get()) != 0;
  }
  [[nodiscard]] Error last_error(std::string_view what) const;
  [[nodiscard]] bool last_error_was_io() const;

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace chrysalis::store::sqlite
