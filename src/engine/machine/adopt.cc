#include "src/engine/machine/adopt.h"

namespace chrysalis::engine {
namespace {

Operation at(Operation op, Step step) {
  op.step = step;
  return op;
}
Operation over(Operation op, End end) {
  op.end = end;
  if (end == End::kOk) {
    op.reason = Reason::kNone;
    op.message.clear();
  }
  return op;
}

bool reached(const Facts& facts, Seen seen) {
  // A boot passes through Running and a load through Paused, so only Running
  // tells that what was asked for is done.
  return facts.power == model::PowerState::kRunning && seen == Seen::kRunning;
}

// Whether a VMM came up as asked, else all of it is undone and asked again.
Operation resume_boot(Operation op, BootStep step, const Observed& seen) {
  switch (step) {
    case BootStep::kPreflight:
      return over(op, End::kFailed);
    case BootStep::kAsk:
    case BootStep::kShutDown:
    case BootStep::kKill:
      // Down first; the boot is asked for again, with its config.
      op.kind = Kind::kStop;
      return at(op, StopStep::kShutDown);
    case BootStep::kPrepare:
    case BootStep::kSpawn:
    case BootStep::kUndo:
      return at(op, BootStep::kUndo);
    case BootStep::kRun:
      return reached(op.facts, seen.current) ? over(op, End::kOk)
                                             : at(op, BootStep::kUndo);
  }
  return op;
}

Operation resume_clone(Operation op, CloneStep step, const Observed& seen) {
  switch (step) {
    case CloneStep::kPreflight:
      return over(op, End::kFailed);
    case CloneStep::kStage:
    case CloneStep::kSpawn:
    case CloneStep::kUndo:
      return at(op, CloneStep::kUndo);
    case CloneStep::kLoad:
      return reached(op.facts, seen.current) ? over(op, End::kOk)
                                             : at(op, CloneStep::kUndo);
  }
  return op;
}

Operation resume_snapshot(Operation op, SnapshotStep step) {
  switch (step) {
    case SnapshotStep::kPreflight:
      return over(op, End::kFailed);
    case SnapshotStep::kPause:
    case SnapshotStep::kDump:
    case SnapshotStep::kDisarm:
    case SnapshotStep::kThaw:
    case SnapshotStep::kUndo:
      return at(op, SnapshotStep::kUndo);
    case SnapshotStep::kPublish:
    case SnapshotStep::kDiscard:
      // Published or not, it was never called ready.
      return at(op, SnapshotStep::kDiscard);
  }
  return op;
}

// After the commit the new VMM decides: it lives, so it goes on; it is dead,
// so the old goes on. Where a reboot took both, the journalled generation is
// the one that counts.
Operation resume_committed(Operation op, const Observed& seen) {
  // Only an Abort resumes the old one: its COMMIT failed, and turned up.
  if (seen.current == Seen::kRunning) return at(op, RestoreStep::kAbort);
  switch (seen.next) {
    case Seen::kRunning:
    case Seen::kPaused:
    case Seen::kSilent:
      return at(op, RestoreStep::kSwitch);  // each of its actions repeats
    case Seen::kGone:
      if (seen.same_boot) return at(op, RestoreStep::kRollBack);
      op.reason = Reason::kHostRebooted;
      op.worse = true;
      return at(op, RestoreStep::kRetire);
    case Seen::kUnloaded:
    case Seen::kEnded:
      return at(op, RestoreStep::kRollBack);
  }
  return op;
}

Operation resume_restore(Operation op, RestoreStep step, const Observed& seen) {
  switch (step) {
    case RestoreStep::kPreflight:
      return over(op, End::kFailed);
    case RestoreStep::kStage:
    case RestoreStep::kSpawn:
    case RestoreStep::kLoad:
    case RestoreStep::kPauseOld:
    case RestoreStep::kDisarm:
    case RestoreStep::kAbort:
    case RestoreStep::kRevive:
    case RestoreStep::kDropNew:
      return at(op, RestoreStep::kAbort);
    case RestoreStep::kCommit:
    case RestoreStep::kSwitch:
    case RestoreStep::kRetire:
    case RestoreStep::kRollBack:
    case RestoreStep::kSwitchBack:
      return resume_committed(op, seen);
  }
  return op;
}

struct Resume {
  Operation op;
  const Observed& seen;

  Operation operator()(BootStep s) const { return resume_boot(op, s, seen); }
  Operation operator()(CloneStep s) const { return resume_clone(op, s, seen); }
  // Each of these repeats; asking the guest once more would double the grace.
  Operation operator()(StopStep) const { return at(op, StopStep::kShutDown); }
  Operation operator()(PowerStep) const {
    if (!op.facts.alive) return over(op, End::kFailed);
    return at(op, PowerStep::kApply);
  }
  Operation operator()(ReapStep) const { return at(op, ReapStep::kKill); }
  Operation operator()(SnapshotStep s) const { return resume_snapshot(op, s); }
  Operation operator()(RestoreStep s) const {
    return resume_restore(op, s, seen);
  }
  Operation operator()(DeleteVmStep) const {
    // As with a stop: the grace was given once.
    return at(op, DeleteVmStep::kEnd);
  }
  Operation operator()(DeleteSnapshotStep s) const {
    if (s == DeleteSnapshotStep::kPreflight) return over(op, End::kFailed);
    return at(op, DeleteSnapshotStep::kRemove);
  }
  Operation operator()(ImportStep s) const {
    if (s == ImportStep::kPreflight) return over(op, End::kFailed);
    return at(op, ImportStep::kDiscard);
  }
};

}  // namespace

std::string_view to_string(Seen seen) {
  switch (seen) {
    case Seen::kGone:
      return "Gone";
    case Seen::kUnloaded:
      return "Unloaded";
    case Seen::kRunning:
      return "Running";
    case Seen::kPaused:
      return "Paused";
    case Seen::kEnded:
      return "Ended";
    case Seen::kSilent:
      return "Silent";
  }
  return "";
}

Operation recover(Kind kind, Step step, Facts facts, const Observed& observed,
                  Mono now) {
  facts.alive = observed.current != Seen::kGone;
  Operation op = begin(kind, facts, now);
  op.step = step;
  op.reason = Reason::kInterrupted;
  op.message = "the agent ended in the middle";
  return std::visit(Resume{op, observed}, step);
}

}  // namespace chrysalis::engine
