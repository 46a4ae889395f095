#include "src/store/schema.h"

#include <charconv>
#include <iterator>

#include <boost/crc.hpp>

namespace chrysalis::store {
namespace {

constexpr const char* kMigrations[] = {
    // 1
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "INSERT INTO meta VALUES ('min_reader', '1');"
    "CREATE TABLE vm (uid TEXT PRIMARY KEY,"
    " body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;"
    "CREATE TABLE snapshot (uid TEXT PRIMARY KEY,"
    " body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;"
    "CREATE TABLE operation (uid TEXT NOT NULL, seq INTEGER NOT NULL,"
    " body TEXT NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY (uid, seq)) STRICT;"
    "CREATE TABLE process (vm_uid TEXT NOT NULL, generation INTEGER NOT NULL,"
    " body TEXT NOT NULL, crc INTEGER NOT NULL,"
    " PRIMARY KEY (vm_uid, generation)) STRICT;"
    "CREATE TABLE hold (snapshot_uid TEXT NOT NULL, holder TEXT NOT NULL,"
    " body TEXT NOT NULL, crc INTEGER NOT NULL,"
    " PRIMARY KEY (snapshot_uid, holder)) STRICT;"
    "CREATE TABLE identity (kind TEXT NOT NULL, namespace TEXT NOT NULL,"
    " name TEXT NOT NULL, body TEXT NOT NULL, crc INTEGER NOT NULL,"
    " PRIMARY KEY (kind, namespace, name)) STRICT;",
    // 2: verification remembered over restarts. A reader of 1 may go on: it
    // hashes again.
    "CREATE TABLE verified (snapshot_uid TEXT PRIMARY KEY,"
    " body TEXT NOT NULL, crc INTEGER NOT NULL) STRICT;",
};
static_assert(std::size(kMigrations) == kSchemaVersion);

Result<uint32_t> number(sqlite::Connection& db, std::string_view sql) {
  CHRYSALIS_ASSIGN(const std::string text, db.ask(sql));
  uint32_t out = 0;
  const auto [end, ec] =
      std::from_chars(text.data(), text.data() + text.size(), out);
  if (ec != std::errc{} || end != text.data() + text.size())
    return fail(Code::kCorrupt,
                "'" + text + "' is not a number (" + std::string(sql) + ")");
  return out;
}

}  // namespace

Result<void> check_database(sqlite::Connection& db) {
  CHRYSALIS_ASSIGN(const uint32_t version, number(db, "PRAGMA user_version"));
  CHRYSALIS_ASSIGN(const uint32_t id, number(db, "PRAGMA application_id"));
  CHRYSALIS_ASSIGN(const uint32_t tables,
                   number(db, "SELECT count(*) FROM sqlite_schema"));
  if (id == 0 && version == 0 && tables == 0) return {};  // new
  if (id != kApplicationId)
    return fail(Code::kCorrupt, "is a database of another program");
  CHRYSALIS_ASSIGN(const std::string health, db.ask("PRAGMA quick_check(1)"));
  if (health != "ok") return fail(Code::kCorrupt, health);
  CHRYSALIS_ASSIGN(
      const uint32_t min_reader,
      number(db, "SELECT value FROM meta WHERE key = 'min_reader'"));
  if (min_reader > kSchemaVersion)
    return fail(Code::kUnsupported,
                "was written by a newer version (it needs a reader of schema " +
                    std::to_string(min_reader) + ", this one reads " +
                    std::to_string(kSchemaVersion) +
                    "): install that version again; nothing was touched");
  return {};
}

Result<void> migrate(sqlite::Connection& db) {
  CHRYSALIS_ASSIGN(const uint32_t version, number(db, "PRAGMA user_version"));
  for (uint32_t to = version + 1; to <= kSchemaVersion; ++to) {
    const std::string sql =
        "BEGIN IMMEDIATE;" + std::string(kMigrations[to - 1]) +
        "PRAGMA application_id = " + std::to_string(kApplicationId) +
        ";PRAGMA user_version = " + std::to_string(to) + ";COMMIT;";
    if (auto done = db.execute(sql.c_str()); !done) {
      if (!db.idle()) (void)db.execute("ROLLBACK");
      return tl::unexpected<Error>(with_context(
          done.error(), "migration to schema " + std::to_string(to)));
    }
  }
  return {};
}

uint32_t row_crc(std::string_view table, std::span<const std::string> key,
                 std::string_view body) {
  boost::crc_32_type crc;
  const auto add = [&](std::string_view part) {
    crc.process_bytes(part.data(), part.size());
    crc.process_byte(0);
  };
  add(table);
  for (const std::string& part : key) add(part);
  add(body);
  return crc.checksum();
}

}  // namespace chrysalis::store
