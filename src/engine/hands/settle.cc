// The rows that make the end of an operation true.

#include <algorithm>

#include "src/engine/hands/node_hands.h"

namespace chrysalis::engine {
namespace {

using Rows = std::vector<store::Mutation>;

bool ok(const Job& job) {
  return job.op.end == End::kOk || job.op.end == End::kReplaced;
}

// A recovered boot did not pass through Boot here: it is seen to run.
store::VmRecord booted(const Job& job, Wall now) {
  store::VmRecord record = job.after;
  if (job.op.facts.power == model::PowerState::kStopped) return record;
  record.first_booted = true;
  record.pending_load.reset();
  if (!record.started_at) record.started_at = now;
  record.restart_attempt_done =
      std::max({record.restart_attempt_done, job.attempt, job.restart_attempt});
  return record;
}

store::LastRestore last_restore(const Job& job, Wall now) {
  store::LastRestore out;
  out.snapshot = job.snapshot.name;
  out.snapshot_uid = job.snapshot_uid;
  out.attempt = job.attempt;
  out.result = restore_result(*job.op.end);
  if (!ok(job)) {
    out.reason = to_string(job.op.reason);
    out.message = job.op.message;
  }
  out.started_at = job.started;
  out.finished_at = now;
  out.pause_ms = static_cast<uint64_t>(job.pause.count());
  return out;
}

}  // namespace

// Why it does not run, where no VMM ended that could have told. A disk that
// grew for it stays grown: its record must say so.
store::VmRecord NodeHands::not_started(const Job& job) const {
  const bool ran = job.op.kind == Kind::kClone && job.op.ran;
  store::VmRecord record = ran ? job.after : job.before;
  record.started_at.reset();
  record.last_exit = store::Exit{deps_.clock.wall(),
                                 std::string(to_string(job.op.reason)), -1};
  if (record.disks.empty()) return record;
  store::Disk& root = record.disks.front();
  const auto stat = deps_.fs.stat(
      deps_.paths.generation(record.uid, record.generation).file(root.file));
  if (stat && stat->size > root.bytes) {
    root.bytes = stat->size;
    record.config.storage = {stat->size};
    record.sources.storage = job.after.sources.storage;
  }
  return record;
}

void NodeHands::settle_restore(const Job& job, Rows& rows) {
  const Wall now = deps_.clock.wall();
  rows.emplace_back(store::EraseHold{job.snapshot_uid, job.uid});
  Held& h = held(job.uid);
  store::VmRecord record = ok(job) ? job.after : job.before;
  // Cut off by our own end and undone: it is asked for again, and what is
  // remembered is the last one that was finished.
  if (ok(job) || job.op.reason != Reason::kInterrupted) {
    record.restore_attempt_done =
        std::max(record.restore_attempt_done, job.attempt);
    record.restore = last_restore(job, now);
  }
  if (ok(job)) {
    record.pending_load.reset();
    record.started_at = now;
    h.current = std::move(h.next);
    h.next = Guest{};
    h.exit.reset();
    if (h.current.process) hold(job.uid, h.current);
  }
  rows.emplace_back(std::move(record));
}

Rows NodeHands::settle(const Job& job) {
  Rows rows;
  const Wall now = deps_.clock.wall();
  Held& h = held(job.uid);
  h.image.reset();
  reservations_.release(job.uid);
  if (job.op.end == End::kRefused) return rows;
  switch (job.op.kind) {
    case Kind::kBoot:
    case Kind::kClone:
      if (job.op.kind == Kind::kClone)
        rows.emplace_back(store::EraseHold{job.snapshot_uid, job.uid});
      if (ok(job) || is_up(job.op)) {
        rows.emplace_back(booted(job, now));
      } else if (job.op.facts.staged) {
        // Once it may have run, its disk is newer than its saved memory.
        rows.emplace_back(not_started(job));
      } else if (!job.op.worse) {
        rows.emplace_back(store::EraseVm{job.uid});
      }
      break;
    case Kind::kStart:
    case Kind::kRestart:
      rows.emplace_back(ok(job) || is_up(job.op) ? booted(job, now)
                                                 : not_started(job));
      break;
    case Kind::kStop:
      if (!ok(job)) break;
      rows.emplace_back(job.after);
      std::get<store::VmRecord>(rows.back()).started_at.reset();
      break;
    case Kind::kPause:
    case Kind::kResume:
    case Kind::kReap:
      if (ok(job)) rows.emplace_back(job.after);
      h.exit.reset();
      break;
    case Kind::kRestore:
      settle_restore(job, rows);
      break;
    case Kind::kSnapshot:
    case Kind::kImport:
      if (!ok(job)) {
        rows.emplace_back(store::EraseSnapshot{job.snapshot_uid});
        break;
      }
      rows.emplace_back(job.snapshot);
      if (h.verified) rows.emplace_back(*h.verified);
      h.verified.reset();
      break;
    case Kind::kDeleteVm:
      if (!ok(job)) break;
      rows.emplace_back(store::EraseVm{job.uid});
      break;
    case Kind::kDeleteSnapshot:
      if (ok(job)) rows.emplace_back(store::EraseSnapshot{job.uid});
      break;
  }
  return rows;
}

}  // namespace chrysalis::engine
