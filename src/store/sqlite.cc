#include "src/store/sqlite.h"

namespace chrysalis::store::sqlite {
namespace {

Code code_of(int rc) {
  const int primary = rc & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB
             ? Code::kCorrupt
             : Code::kUnavailable;
}

Error error_of(sqlite3* db, std::string_view what) {
  return {code_of(sqlite3_extended_errcode(db)),
          std::string(what) + ": " + sqlite3_errmsg(db)};
}

}  // namespace

void Statement::bind(int index, std::string_view text) {
  // STATIC: the text outlives run(), which resets the bindings.
  sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::bind(int index, uint64_t number) {
  sqlite3_bind_int64(statement_.get(), index, static_cast<int64_t>(number));
}

Result<bool> Statement::step() {
  const int rc = sqlite3_step(statement_.get());
  if (rc == SQLITE_ROW) return true;
  Result<bool> outcome = false;
  if (rc != SQLITE_DONE)
    outcome = tl::unexpected<Error>(error_of(
        sqlite3_db_handle(statement_.get()), sqlite3_sql(statement_.get())));
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  return outcome;
}

Result<void> Statement::run() {
  while (true) {
    CHRYSALIS_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(
      sqlite3_column_text(statement_.get(), column));
  if (bytes == nullptr) return {};
  return {bytes,
          static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

uint64_t Statement::number(int column) const {
  return static_cast<uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

Result<Connection> Connection::open(const std::filesystem::path& path,
                                    int flags) {
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(
      path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
      nullptr);
  Connection out;
  out.db_.reset(db);
  if (rc != SQLITE_OK)
    return tl::unexpected<Error>(error_of(db, "open " + path.string()));
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, 5000);
  return out;
}

Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int rc =
      sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  Statement out;
  out.statement_.reset(raw);
  if (rc != SQLITE_OK) return tl::unexpected<Error>(error_of(db_.get(), sql));
  return out;
}

Result<void> Connection::execute(const char* sql) {
  if (sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return tl::unexpected<Error>(error_of(db_.get(), sql));
  return {};
}

Result<std::string> Connection::ask(std::string_view sql) {
  CHRYSALIS_ASSIGN(Statement statement, prepare(sql));
  CHRYSALIS_ASSIGN(const bool row, statement.step());
  return row ? std::string(statement.text(0)) : std::string();
}

Error Connection::last_error(std::string_view what) const {
  return error_of(db_.get(), what);
}

bool Connection::last_error_was_io() const {
  const int primary = sqlite3_extended_errcode(db_.get()) & 0xff;
  return primary == SQLITE_IOERR || primary == SQLITE_CORRUPT ||
         primary == SQLITE_NOTADB;
}

}  // namespace chrysalis::store::sqlite
