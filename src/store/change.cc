#include "src/store/change.h"

#include "src/store/paths.h"
#include "src/store/record_shapes.h"
#include "src/store/schema.h"

namespace chrysalis::store {
namespace {

std::string joined(const std::vector<std::string>& parts,
                   std::string_view between, std::string_view suffix) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += between;
    out += part;
    out += suffix;
  }
  return out;
}

template <class T>
std::vector<std::string> key_text(const Key& key) {
  std::vector<std::string> out = key.text;
  if (!Table<T>::kNumber.empty()) out.push_back(std::to_string(key.number));
  return out;
}

// Binds the key from parameter 1 on; answers the next parameter.
template <class T>
int bind_key(sqlite::Statement& statement, const Key& key) {
  int index = 1;
  for (const std::string& part : key.text) statement.bind(index++, part);
  if (!Table<T>::kNumber.empty()) statement.bind(index++, key.number);
  return index;
}

template <class T>
Result<void> prepare_table(sqlite::Connection& db, Statements<T>& out) {
  const std::string name(Table<T>::kName);
  const auto columns = key_columns<T>();
  std::string marks;
  for (size_t i = 0; i < columns.size(); ++i) marks += "?,";
  // An upsert, not REPLACE: the row keeps its place.
  CHRYSALIS_ASSIGN(out.put,
                   db.prepare("INSERT INTO " + name + " VALUES (" + marks +
                              "?,?) ON CONFLICT DO UPDATE SET "
                              "body = excluded.body, crc = excluded.crc"));
  CHRYSALIS_ASSIGN(out.erase, db.prepare("DELETE FROM " + name + " WHERE " +
                                         joined(columns, " AND ", " = ?")));
  CHRYSALIS_ASSIGN(out.erase_all, db.prepare("DELETE FROM " + name + " WHERE " +
                                             columns.front() + " = ?"));
  return {};
}

template <class T>
Result<void> erase_row(WriteContext& context, const Key& key) {
  auto& statement = std::get<Statements<T>>(context.statements).erase;
  bind_key<T>(statement, key);
  return statement.run();
}

// Finished operations of the lane that are too old once `newest` is stored.
// By number, and never a running one: lanes are serial, so `seq` counts them.
std::vector<Key> outdated(const Mirror& mirror, const OperationRow& newest,
                          uint32_t kept) {
  std::vector<Key> out;
  for_each_of(rows<OperationRow>(mirror), newest.uid, [&](const auto& row) {
    if (row->state != OperationState::kRunning && row->seq + kept <= newest.seq)
      out.push_back(Table<OperationRow>::key(*row));
  });
  return out;
}

template <class T>
Result<void> write_row(WriteContext& context, const T& record, const Key& key,
                       const std::string& body, uint32_t crc) {
  auto& statement = std::get<Statements<T>>(context.statements).put;
  const int next = bind_key<T>(statement, key);
  statement.bind(next, body);
  statement.bind(next + 1, uint64_t{crc});
  CHRYSALIS_TRY(statement.run());
  if constexpr (std::same_as<T, OperationRow>)
    for (const Key& old :
         outdated(context.mirror, record, context.operations_kept))
      CHRYSALIS_TRY(erase_row<OperationRow>(context, old));
  return {};
}

template <class T>
Change put(T record) {
  Key key = Table<T>::key(record);
  std::string body = codec::to_bytes(codec::write(record));
  const uint32_t crc = row_crc(Table<T>::kName, key_text<T>(key), body);
  auto shared = std::make_shared<const T>(std::move(record));
  return {[shared, key, body = std::move(body), crc](WriteContext& context) {
            return write_row(context, *shared, key, body, crc);
          },
          [shared, key](Mirror& mirror, [[maybe_unused]] uint32_t kept) {
            if constexpr (std::same_as<T, OperationRow>)
              for (const Key& old : outdated(mirror, *shared, kept))
                rows<OperationRow>(mirror).erase(old);
            rows<T>(mirror)[key] = shared;
          }};
}

template <class T>
Change erase(Key key) {
  return {[key](WriteContext& context) { return erase_row<T>(context, key); },
          [key](Mirror& mirror, uint32_t) { rows<T>(mirror).erase(key); }};
}

// All rows whose first key column is `first`.
template <class T>
Change erase_all(std::string first) {
  return {[first](WriteContext& context) {
            auto& statement =
                std::get<Statements<T>>(context.statements).erase_all;
            statement.bind(1, first);
            return statement.run();
          },
          [first](Mirror& mirror, uint32_t) {
            std::erase_if(rows<T>(mirror), [&](const auto& row) {
              return row.first.text.front() == first;
            });
          }};
}

Result<void> check_uid(std::string_view what, std::string_view uid) {
  if (StatePaths::valid_uid(uid)) return {};
  return fail(Code::kInvalid, std::string(what) + " '" + std::string(uid) +
                                  "' may not stand in a path");
}
Result<void> check_name(std::string_view what, std::string_view name) {
  if (StatePaths::valid_component(name)) return {};
  return fail(Code::kInvalid, std::string(what) + " '" + std::string(name) +
                                  "' may not stand in a path");
}

Result<void> check(const VmRecord& r) {
  CHRYSALIS_TRY(check_uid("VM uid", r.uid));
  CHRYSALIS_TRY(check_name("namespace", r.ns));
  CHRYSALIS_TRY(check_name("name", r.name));
  if (r.generation > StatePaths::kMaxGeneration)
    return fail(Code::kInvalid, "no generation is left for VM " + r.uid);
  return {};
}
Result<void> check(const SnapshotRecord& r) {
  CHRYSALIS_TRY(check_uid("snapshot uid", r.uid));
  CHRYSALIS_TRY(check_name("namespace", r.ns));
  return check_name("name", r.name);
}
Result<void> check(const OperationRow& r) {
  return check_uid("operation's uid", r.uid);
}
Result<void> check(const ProcessRow& r) {
  return check_uid("process's VM uid", r.vm_uid);
}
Result<void> check(const HoldRow& r) {
  return check_uid("hold's snapshot uid", r.snapshot_uid);
}
Result<void> check(const IdentityRow& r) {
  CHRYSALIS_TRY(check_name("namespace", r.ns));
  CHRYSALIS_TRY(check_name("name", r.name));
  return check_uid("identity's uid", r.uid);
}
Result<void> check(const VerifiedRow& r) {
  return check_uid("snapshot uid", r.snapshot_uid);
}

struct Preparer {
  std::vector<Change>& out;

  template <class T>
  Result<void> operator()(T& record) {
    CHRYSALIS_TRY(check(record));
    out.push_back(put(std::move(record)));
    return {};
  }
  Result<void> operator()(EraseVm& e) {
    out.push_back(erase<VmRecord>({{e.uid}}));
    out.push_back(erase_all<OperationRow>(e.uid));
    out.push_back(erase_all<ProcessRow>(e.uid));
    return {};
  }
  Result<void> operator()(EraseSnapshot& e) {
    out.push_back(erase<SnapshotRecord>({{e.uid}}));
    out.push_back(erase_all<OperationRow>(e.uid));
    out.push_back(erase_all<HoldRow>(e.uid));
    out.push_back(erase<VerifiedRow>({{e.uid}}));
    return {};
  }
  Result<void> operator()(EraseProcess& e) {
    out.push_back(erase<ProcessRow>({{e.vm_uid}, e.generation}));
    return {};
  }
  Result<void> operator()(EraseHold& e) {
    out.push_back(erase<HoldRow>({{e.snapshot_uid, e.holder}}));
    return {};
  }
  Result<void> operator()(EraseIdentity& e) {
    out.push_back(erase<IdentityRow>({{e.kind, e.ns, e.name}}));
    return {};
  }
};

template <class T>
Result<void> load_row(const sqlite::Statement& row, Rows<T>& out) {
  Key key;
  int column = 0;
  for (size_t i = 0; i < Table<T>::kText.size(); ++i)
    key.text.emplace_back(row.text(column++));
  if (!Table<T>::kNumber.empty()) key.number = row.number(column++);
  const std::string_view body = row.text(column);
  const auto text = key_text<T>(key);
  const auto bad = [&](std::string_view reason) {
    return fail(Code::kCorrupt, "row " + std::string(Table<T>::kName) + "/" +
                                    joined(text, "/", "") + " " +
                                    std::string(reason));
  };
  if (row_crc(Table<T>::kName, text, body) != row.number(column + 1))
    return bad("fails its checksum");
  const auto json = codec::json::parse(body, nullptr, false);
  auto record = std::make_shared<T>();
  if (json.is_discarded()) return bad("is not JSON");
  if (auto got = codec::read(json, *record, Absent::kDefault); !got)
    return bad("cannot be read: " + got.error().message);
  if (Table<T>::key(*record) != key) return bad("stands under a wrong key");
  out.emplace(std::move(key), std::move(record));
  return {};
}

template <class T>
Result<void> load_table(sqlite::Connection& db, Rows<T>& out) {
  const std::string name(Table<T>::kName);
  CHRYSALIS_ASSIGN(
      const std::string known,
      db.ask("SELECT name FROM sqlite_schema WHERE name = '" + name + "'"));
  if (known.empty()) return {};
  CHRYSALIS_ASSIGN(sqlite::Statement all,
                   db.prepare("SELECT " + joined(key_columns<T>(), ", ", "") +
                              ", body, crc FROM " + name));
  while (true) {
    CHRYSALIS_ASSIGN(const bool row, all.step());
    if (!row) return {};
    CHRYSALIS_TRY(load_row(all, out));
  }
}

}  // namespace

Result<AllStatements> prepare_statements(sqlite::Connection& db) {
  AllStatements out;
  Result<void> done;
  std::apply(
      [&](auto&... table) {
        ((done = done ? prepare_table(db, table) : done), ...);
      },
      out);
  if (!done) return tl::unexpected<Error>(std::move(done).error());
  return out;
}

Result<std::vector<Change>> prepare_changes(std::vector<Mutation> mutations) {
  std::vector<Change> out;
  Preparer prepare{out};
  for (Mutation& mutation : mutations)
    CHRYSALIS_TRY(std::visit(prepare, mutation));
  return out;
}

Result<void> load_all(sqlite::Connection& db, Mirror& mirror) {
  Result<void> done;
  std::apply(
      [&](auto&... table) {
        ((done = done ? load_table(db, table) : done), ...);
      },
      mirror);
  return done;
}

}  // namespace chrysalis::store
