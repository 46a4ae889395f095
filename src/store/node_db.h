#pragma once

// The node's memory: one SQLite database, STATE/node.db, and a mirror of it
// in memory. What commit() acknowledged survives power loss.
//
// Thread-safety: every member from any thread. One writer thread owns the
//   writing connection: callers that wait at the same time share one COMMIT,
//   each in a SAVEPOINT of its own. A checkpoint thread works beside it.
// Durability: WAL, synchronous=FULL. The WAL is filled once at the start and
//   kept, since a commit into a growing file costs ten times one in place.
// Reads: from the mirror, which changes after a successful COMMIT only, so a
//   reader never sees what a crash could take back.
// Errors: open: kCorrupt (a check failed) and kUnsupported (written by a newer
//   version) say what to do and must stop the start; kUnavailable: the disk.
//   commit: kInvalid: the row itself (a uid that is no path component);
//   kUnavailable: nothing of it counts now and no effect may follow, though
//   after an I/O error it may turn up at the next start, like any intent.
//   After such an error every later commit fails too: what the disk holds is
//   then unknown, and only a restart reads it again.
// REQUIRES: the caller holds the StateLock (state_lock.h), except read_only.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/base/result.h"
#include "src/store/records.h"

namespace chrysalis::store {

struct EraseVm {  // also its operations and processes
  std::string uid;
};
struct EraseSnapshot {  // also its operations, holds and verification
  std::string uid;
};
struct EraseProcess {
  std::string vm_uid;
  uint32_t generation = 0;
};
struct EraseHold {
  std::string snapshot_uid, holder;
};
struct EraseIdentity {
  std::string kind, ns, name;
};

// A record means "insert or replace by its key".
using Mutation =
    std::variant<VmRecord, SnapshotRecord, OperationRow, ProcessRow, HoldRow,
                 IdentityRow, VerifiedRow, EraseVm, EraseSnapshot, EraseProcess,
                 EraseHold, EraseIdentity>;

template <class T>
using Shared = std::shared_ptr<const T>;

class NodeDb {
 public:
  struct Options {
    bool read_only = false;         // for doctor: commit() answers kInvalid
    uint32_t operations_kept = 20;  // finished ones, of one lane
    // Test seam, called by the writer inside the n-th COMMIT (from 1); false
    // makes that COMMIT fail.
    std::function<bool(uint64_t n)> commit_hook = {};
  };

  // Opens or creates, migrates, checks every row, loads the mirror.
  static Result<std::unique_ptr<NodeDb>> open(const std::filesystem::path& path,
                                              Options options);
  static Result<std::unique_ptr<NodeDb>> open(
      const std::filesystem::path& path) {
    return open(path, Options{});
  }
  ~NodeDb();
  NodeDb(const NodeDb&) = delete;
  NodeDb& operator=(const NodeDb&) = delete;

  // All of them or none, durably. Blocks for one or two fsyncs.
  [[nodiscard]] Result<void> commit(std::vector<Mutation> mutations);

  // Reads. A null pointer: there is none. Lists are in key order.
  [[nodiscard]] Shared<VmRecord> vm(std::string_view uid) const;
  [[nodiscard]] std::vector<Shared<VmRecord>> vms() const;
  [[nodiscard]] Shared<SnapshotRecord> snapshot(std::string_view uid) const;
  [[nodiscard]] std::vector<Shared<SnapshotRecord>> snapshots() const;
  // Of one lane, oldest first; the running one, if any, is the last.
  [[nodiscard]] std::vector<Shared<OperationRow>> operations(
      std::string_view uid) const;
  [[nodiscard]] std::vector<Shared<OperationRow>> running_operations() const;
  [[nodiscard]] std::vector<Shared<ProcessRow>> processes(
      std::string_view vm_uid) const;
  [[nodiscard]] std::vector<Shared<ProcessRow>> processes() const;
  [[nodiscard]] std::vector<Shared<HoldRow>> holds(
      std::string_view snapshot_uid) const;
  [[nodiscard]] Shared<IdentityRow> identity(std::string_view kind,
                                             std::string_view ns,
                                             std::string_view name) const;
  [[nodiscard]] std::vector<Shared<IdentityRow>> identities() const;
  [[nodiscard]] Shared<VerifiedRow> verified(
      std::string_view snapshot_uid) const;

  // COMMITs that succeeded since open: a boot costs at most 4.
  [[nodiscard]] uint64_t commits() const;
  // Writes a consistent copy to a file that does not exist yet (the backup
  // API): for doctor, and for tests of power loss.
  [[nodiscard]] Result<void> copy_to(const std::filesystem::path& path) const;

 private:
  struct Impl;
  explicit NodeDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace chrysalis::store
