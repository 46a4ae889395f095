#pragma once

// One operation on its way through a lane: the pure Operation, and what the
// hands need to perform it. Thread-safety: one thread at a time, the lane's.

#include <optional>
#include <string>
#include <vector>

#include "src/engine/machine/operation.h"
#include "src/engine/request.h"
#include "src/engine/view.h"
#include "src/store/node_db.h"
#include "src/store/records.h"

namespace chrysalis::engine {

struct Job {
  std::string uid;   // the lane
  uint64_t seq = 0;  // its row in the journal
  Request request;   // of a recovered operation: only what the journal kept
  Operation op;
  uint64_t attempt = 0;
  uint64_t restart_attempt = 0;  // that it satisfies once it ran
  std::string snapshot_uid;
  std::string boot_id;  // of the host, when it began
  Wall started{};
  milliseconds pause{0};  // how long the guest stood still

  store::VmRecord before;          // as recorded when it began
  store::VmRecord after;           // as it is to be recorded when it ends well
  store::SnapshotRecord snapshot;  // the one it is about, if any
  std::optional<model::VmConfig> read_back;  // what ran when it began

  // Outcomes that ride with the next intent, or with the end. After an end
  // that could not be made durable: all of its rows.
  std::vector<store::Mutation> outcomes;
  bool journalled = false;  // there is a row to finish
};

// What is kept in the journal row beside the step: enough for recover().
std::string encode_detail(const Job& job);
// Into facts, the attempts, snapshot_uid, boot_id, pause and `after`. kCorrupt.
Result<> decode_detail(std::string_view json, Job& job);

// As it is recorded and as it is told. REQUIRES: of a restore.
store::RestoreResult restore_result(End end);

store::OperationKind row_kind(Kind kind);  // REQUIRES: not kReap
Kind kind_of_row(store::OperationKind kind);

// The row of the job at this moment.
store::OperationRow row_of(const Job& job, Wall now);

Outcome outcome_of(const Job& job, Wall now);

}  // namespace chrysalis::engine
