// Snapshot: one instant of memory, devices and disks.
//
//   Preflight --no--> refused
//      v
//    Pause --> Dump --> Disarm --> Thaw --> Publish --> ok
//      |        |       |            |         |
//      |        |       |            |         +--> Discard --> failed
//      '--------+-------+------------+--> Undo -----^
//                                      (the guest goes on)
//
// The guard resumes the guest when we are late or dead. It is never armed for
// a guest that its user paused; such a guest is not resumed either. Between
// Disarm and Thaw alone can our death leave a guest paused, until the
// successor's Undo. Two intents: Pause, and Publish when the guest runs again:
// no commit lengthens the pause, and nothing that can be done after it.

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {

Plan plan(SnapshotStep step, const Facts& facts) {
  switch (step) {
    case SnapshotStep::kPreflight:
      return {false, {act(Do::kPreflight)}};
    case SnapshotStep::kPause:
      if (facts.user_paused) return {true, {}};
      return {true, {act(Do::kArmGuard), act(Do::kPause)}};
    case SnapshotStep::kDump:
      return {false, {act(Do::kDump), act(Do::kCopyDisks)}};
    case SnapshotStep::kDisarm:
      if (facts.user_paused) return {};
      return {false, {act(Do::kDisarmGuard)}};
    case SnapshotStep::kThaw:
      if (facts.user_paused) return {};
      return {false, {act(Do::kResume)}};
    case SnapshotStep::kPublish:
      return {true, {act(Do::kInspect), act(Do::kPublish)}};
    case SnapshotStep::kUndo:
      if (facts.user_paused || !facts.alive) return {};
      return {false, {act(Do::kDropGuard), act(Do::kResume)}};
    case SnapshotStep::kDiscard:
      return {false, {act(Do::kDropStaging)}};
  }
  return {};
}

Move move(SnapshotStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case SnapshotStep::kPreflight:
      return done(what) ? go(SnapshotStep::kPause) : refused();
    case SnapshotStep::kPause:
      if (what == Happened::kNotJournalled) return failed();
      return done(what) ? go(SnapshotStep::kDump) : undo(SnapshotStep::kUndo);
    case SnapshotStep::kDump:
      return done(what) ? go(SnapshotStep::kDisarm) : undo(SnapshotStep::kUndo);
    case SnapshotStep::kDisarm:
      // Fired: the guest ran while we dumped or copied, so it is no instant.
      // It may also have fired before the pause arrived, and resumed nobody.
      return done(what) ? go(SnapshotStep::kThaw) : undo(SnapshotStep::kUndo);
    case SnapshotStep::kThaw:
      return done(what) ? go(SnapshotStep::kPublish)
                        : undo(SnapshotStep::kUndo);
    case SnapshotStep::kPublish:
      return done(what) ? ok() : undo(SnapshotStep::kDiscard);
    case SnapshotStep::kUndo:
      return undo(SnapshotStep::kDiscard);
    case SnapshotStep::kDiscard:
      return failed();
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
