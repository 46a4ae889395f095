#pragma once

// The rules of one operation: its actions and its moves, step by step. Only
// operation.cc calls these; the pictures stand in the file of each operation.
// Every switch is total and has no default.

#include <variant>

#include "src/engine/machine/operation.h"

namespace chrysalis::engine::rules {

struct Move {
  std::variant<Step, End> to;
  bool failure = false;  // remember the event's reason, if it is the first
  bool worse = false;    // undoing did not work
  bool ran = false;      // vCPUs may have run
};

inline Move go(Step step) { return {step}; }
inline Move undo(Step step) { return {step, true}; }
inline Move ok() { return {End::kOk}; }
inline Move refused() { return {End::kRefused, true}; }
inline Move failed() { return {End::kFailed, true}; }

// The same, after a step that may have started vCPUs.
inline Move ran(Move move) {
  move.ran = true;
  return move;
}

inline bool done(Happened what) { return what == Happened::kDone; }

Plan plan(BootStep step, const Facts& facts);
Move move(BootStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(CloneStep step, const Facts& facts);
Move move(CloneStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(StopStep step, const Facts& facts);
Move move(StopStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(PowerStep step, Kind kind);
Move move(PowerStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(ReapStep step, const Facts& facts);
Move move(ReapStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(SnapshotStep step, const Facts& facts);
Move move(SnapshotStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(RestoreStep step, const Facts& facts);
Move move(RestoreStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(DeleteVmStep step, const Facts& facts);
Move move(DeleteVmStep step, Kind kind, const Facts& facts, Happened what);

Plan plan(DeleteSnapshotStep step, const Facts& facts);
Move move(DeleteSnapshotStep step, Kind kind, const Facts& facts,
          Happened what);

Plan plan(ImportStep step, const Facts& facts);
Move move(ImportStep step, Kind kind, const Facts& facts, Happened what);

}  // namespace chrysalis::engine::rules
