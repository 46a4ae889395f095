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

// Its guest ran, or may have: that the agent was not there to record it undoes
// nothing. How it ended, if it did, is found as for any other.
Operation up(Operation op) {
  op.ran = true;
  return over(op, End::kOk);
}

// From the intent of Run on only what is proven never to have run is undone.
Operation resume_run(Operation op, Seen seen) {
  const bool paused = op.facts.power == model::PowerState::kPaused;
  switch (seen) {
    case Seen::kNeverRan:
    case Seen::kUnloaded:
      return at(op, BootStep::kUndo);
    case Seen::kRunning:
      return paused ? at(op, BootStep::kReach) : up(op);
    case Seen::kPaused:
      return paused ? up(op) : at(op, BootStep::kReach);
    case Seen::kGone:
    case Seen::kEnded:
    case Seen::kSilent:
      return up(op);
  }
  return op;
}

// Whether a VMM came up as asked; what never ran is undone and asked again.
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
    case BootStep::kErase:
      return at(op, BootStep::kUndo);
    case BootStep::kRun:
    case BootStep::kReach:
      return resume_run(op, seen.current);
  }
  return op;
}

// As with Run; a load is left paused by itself, so it is not resumed yet.
Operation resume_loaded(Operation op, Seen seen) {
  switch (seen) {
    case Seen::kNeverRan:
    case Seen::kUnloaded:
      return at(op, CloneStep::kUndo);
    case Seen::kPaused:
      return at(op, CloneStep::kResume);
    case Seen::kGone:
    case Seen::kRunning:
    case Seen::kEnded:
    case Seen::kSilent:
      return up(op);
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
    case CloneStep::kErase:
      return at(op, CloneStep::kUndo);
    case CloneStep::kLoad:
      // A former version resumed within this step.
      if (seen.current == Seen::kRunning || seen.current == Seen::kEnded)
        return up(op);
      return at(op, CloneStep::kUndo);
    case CloneStep::kResume:
      return resume_loaded(op, seen.current);
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
    case Seen::kNeverRan:
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
    case Seen::kNeverRan:
      return "NeverRan";
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

bool undecided(Step step, const Observed& observed) {
  const bool may_run = step == Step{BootStep::kRun} ||
                       step == Step{BootStep::kReach} ||
                       step == Step{CloneStep::kResume};
  return may_run && observed.current == Seen::kSilent;
}

Operation recover(Kind kind, Step step, Facts facts, const Observed& observed,
                  Mono now) {
  facts.alive =
      observed.current != Seen::kGone && observed.current != Seen::kNeverRan;
  Operation op = begin(kind, facts, now);
  op.step = step;
  op.reason = Reason::kInterrupted;
  op.message = "the agent ended in the middle";
  return std::visit(Resume{op, observed}, step);
}

}  // namespace chrysalis::engine
