#include "src/store/node_db.h"

#include <fcntl.h>

#include <mutex>

#include "src/base/unique_fd.h"
#include "src/store/change.h"
#include "src/store/schema.h"
#include "src/store/wal.h"
#include "src/store/writer.h"

namespace chrysalis::store {
namespace {

// Every refusal to start says what to do.
Error explained(Error error, const std::filesystem::path& path) {
  error = with_context(std::move(error), path.string());
  if (error.code == Code::kCorrupt)
    error.message +=
        ". No VM was touched. Copy " + path.string() +
        "* to a safe place, then put a good copy back; `sqlite3 " +
        path.string() +
        " .recover` reads what is left of it, and vms/*/gen-*/vm.json beside "
        "it is each VM's own record";
  return error;
}

Result<void> configure(sqlite::Connection& db) {
  const std::string limit =
      "PRAGMA journal_size_limit = " + std::to_string(kWalBytes);
  CHRYSALIS_TRY(db.ask("PRAGMA journal_mode = WAL"));
  CHRYSALIS_TRY(db.execute("PRAGMA synchronous = FULL"));
  CHRYSALIS_TRY(db.execute("PRAGMA wal_autocheckpoint = 0"));
  return db.execute(limit.c_str());
}

// SQLite gives its side files the permissions of the database.
Result<void> create_private(const std::filesystem::path& path) {
  const UniqueFd fd(
      ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return tl::unexpected<Error>(from_errno(errno, "open"));
  return {};
}

}  // namespace

struct NodeDb::Impl {
  std::filesystem::path path;
  GuardedMirror mirror;
  std::unique_ptr<Writer> writer;  // null: read only

  template <class T>
  std::shared_ptr<const T> one(Key key) const {
    const std::shared_lock lock(mirror.mutex);
    return find_row(rows<T>(mirror.tables), key);
  }
  template <class T>
  std::vector<std::shared_ptr<const T>> all() const {
    const std::shared_lock lock(mirror.mutex);
    std::vector<std::shared_ptr<const T>> out;
    for (const auto& [key, row] : rows<T>(mirror.tables)) out.push_back(row);
    return out;
  }
  template <class T>
  std::vector<std::shared_ptr<const T>> of(std::string_view first) const {
    const std::shared_lock lock(mirror.mutex);
    std::vector<std::shared_ptr<const T>> out;
    for_each_of(rows<T>(mirror.tables), first,
                [&](const auto& row) { out.push_back(row); });
    return out;
  }

  Result<void> open_read_only() {
    CHRYSALIS_ASSIGN(auto db,
                     sqlite::Connection::open(path, SQLITE_OPEN_READONLY));
    CHRYSALIS_TRY(check_database(db));
    return load_all(db, mirror.tables);
  }

  Result<void> open_for_writing(Options options) {
    CHRYSALIS_TRY(create_private(path));
    CHRYSALIS_ASSIGN(auto db,
                     sqlite::Connection::open(path, SQLITE_OPEN_READWRITE));
    CHRYSALIS_TRY(check_database(db));
    CHRYSALIS_TRY(configure(db));
    CHRYSALIS_TRY(migrate(db));
    CHRYSALIS_TRY(load_all(db, mirror.tables));
    CHRYSALIS_TRY(fill_wal(path.string() + "-wal"));
    CHRYSALIS_ASSIGN(auto statements, prepare_statements(db));
    CHRYSALIS_ASSIGN(auto helper,
                     sqlite::Connection::open(path, SQLITE_OPEN_READWRITE));
    CHRYSALIS_TRY(configure(helper));
    writer = std::make_unique<Writer>(std::move(db), std::move(helper),
                                      std::move(statements), mirror,
                                      std::move(options));
    return {};
  }
};

NodeDb::NodeDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NodeDb::~NodeDb() = default;

Result<std::unique_ptr<NodeDb>> NodeDb::open(const std::filesystem::path& path,
                                             Options options) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  const Result<void> done = options.read_only
                                ? impl->open_read_only()
                                : impl->open_for_writing(std::move(options));
  if (!done) return tl::unexpected<Error>(explained(done.error(), path));
  return std::unique_ptr<NodeDb>(new NodeDb(std::move(impl)));
}

Result<void> NodeDb::commit(std::vector<Mutation> mutations) {
  if (!impl_->writer)
    return fail(Code::kInvalid, "node.db was opened read only");
  CHRYSALIS_ASSIGN(auto changes, prepare_changes(std::move(mutations)));
  if (changes.empty()) return {};
  return impl_->writer->commit(std::move(changes));
}

uint64_t NodeDb::commits() const {
  return impl_->writer ? impl_->writer->commits() : 0;
}

Result<void> NodeDb::copy_to(const std::filesystem::path& path) const {
  CHRYSALIS_ASSIGN(auto from,
                   sqlite::Connection::open(impl_->path, SQLITE_OPEN_READONLY));
  CHRYSALIS_TRY(create_private(path));
  CHRYSALIS_ASSIGN(auto to,
                   sqlite::Connection::open(path, SQLITE_OPEN_READWRITE));
  sqlite3_backup* backup =
      sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
  if (backup == nullptr)
    return tl::unexpected<Error>(to.last_error("copy to " + path.string()));
  sqlite3_backup_step(backup, -1);
  if (sqlite3_backup_finish(backup) != SQLITE_OK)
    return tl::unexpected<Error>(to.last_error("copy to " + path.string()));
  return {};
}

Shared<VmRecord> NodeDb::vm(std::string_view uid) const {
  return impl_->one<VmRecord>({{std::string(uid)}});
}
std::vector<Shared<VmRecord>> NodeDb::vms() const {
  return impl_->all<VmRecord>();
}
Shared<SnapshotRecord> NodeDb::snapshot(std::string_view uid) const {
  return impl_->one<SnapshotRecord>({{std::string(uid)}});
}
std::vector<Shared<SnapshotRecord>> NodeDb::snapshots() const {
  return impl_->all<SnapshotRecord>();
}
std::vector<Shared<OperationRow>> NodeDb::operations(
    std::string_view uid) const {
  return impl_->of<OperationRow>(uid);
}
std::vector<Shared<OperationRow>> NodeDb::running_operations() const {
  auto out = impl_->all<OperationRow>();
  std::erase_if(out, [](const auto& row) {
    return row->state != OperationState::kRunning;
  });
  return out;
}
std::vector<Shared<ProcessRow>> NodeDb::processes(
    std::string_view vm_uid) const {
  return impl_->of<ProcessRow>(vm_uid);
}
std::vector<Shared<ProcessRow>> NodeDb::processes() const {
  return impl_->all<ProcessRow>();
}
std::vector<Shared<HoldRow>> NodeDb::holds(
    std::string_view snapshot_uid) const {
  return impl_->of<HoldRow>(snapshot_uid);
}
Shared<IdentityRow> NodeDb::identity(std::string_view kind, std::string_view ns,
                                     std::string_view name) const {
  return impl_->one<IdentityRow>(
      {{std::string(kind), std::string(ns), std::string(name)}});
}
std::vector<Shared<IdentityRow>> NodeDb::identities() const {
  return impl_->all<IdentityRow>();
}
Shared<VerifiedRow> NodeDb::verified(std::string_view snapshot_uid) const {
  return impl_->one<VerifiedRow>({{std::string(snapshot_uid)}});
}

}  // namespace chrysalis::store
