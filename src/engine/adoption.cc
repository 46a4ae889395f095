// What a former agent left: taken hold of, looked at, recovered.

#include <set>

#include "src/base/log.h"
#include "src/engine/back_off.h"
#include "src/engine/node_engine.h"

namespace chrysalis::engine {
namespace {

// A VMM that is there and says nothing is asked again so often, about a
// minute in all, before its recovery decides without it.
constexpr uint32_t kMostSilences = 6;

}  // namespace

// Nothing is taken of a uid before it was looked at, which its lane does
// first; others do not wait for it.
Result<> NodeEngine::adopt() {
  std::set<std::string> in_flight;
  const auto rows = deps_.db.running_operations();
  for (const auto& row : rows) {
    in_flight.insert(row->uid);
    begin_adoption(*row);
  }
  for (const auto& record : deps_.db.vms()) {
    {
      const std::lock_guard lock(mutex_);
      Entry& entry = entries_[record->uid];
      entry.busy = entry.adopting = true;
    }
    CHRYSALIS_TRY(deps_.hands.take_hold(record->uid));
  }
  for (const auto& row : rows)
    lanes_.post(row->uid, [this, row] { recover_one(*row, 0); });
  for (const auto& record : deps_.db.vms())
    if (!in_flight.contains(record->uid))
      lanes_.post(record->uid, [this, uid = record->uid] { adopt_one(uid); });
  return {};
}

// What was cut off shows as in flight until its recovery has ended.
void NodeEngine::begin_adoption(const store::OperationRow& row) {
  Job told;
  (void)decode_detail(row.detail_json, told);
  const InFlight flight{kind_of_row(row.kind), row.step, row.started_at,
                        told.attempt, told.snapshot_uid};
  const std::lock_guard lock(mutex_);
  entries_[row.uid].busy = true;
  entries_[row.uid].running = flight;
  if (flight.kind == Kind::kSnapshot && !told.snapshot_uid.empty())
    entries_[told.snapshot_uid].running = flight;
}

void NodeEngine::adopt_one(const std::string& uid) {
  if (dead_) return;
  deps_.hands.adopt(uid, nullptr);
  const Look look = look_at(uid, true);
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[uid];
    entry.busy = entry.adopting = false;
    entry.look = look;
  }
  notify(uid);
  if (look.must_reap) reap(uid);
}

// The job of a row, as far as the journal tells; nothing: not understood.
std::optional<Job> NodeEngine::taken_up(const store::OperationRow& row) {
  Job job;
  job.uid = row.uid;
  job.seq = row.seq;
  job.started = row.started_at;
  job.journalled = true;
  job.op.kind = kind_of_row(row.kind);
  const auto step = parse_step(job.op.kind, row.step);
  if (!step || !decode_detail(row.detail_json, job)) return std::nullopt;
  job.op.step = *step;
  return job;
}

// silences: how often it was silent before.
void NodeEngine::recover_one(const store::OperationRow& row,
                             uint32_t silences) {
  if (dead_) return;
  auto job = taken_up(row);
  if (!job) {
    log::error("journal row not understood; left alone",
               {{"uid", row.uid}, {"step", row.step}});
    const Look look = look_at(row.uid, true);
    {
      const std::lock_guard lock(mutex_);
      Entry& entry = entries_[row.uid];
      entry.adopting = false;
      entry.look = look;
    }
    notify(row.uid);
    return;  // stays busy: no operation may follow what we cannot read
  }
  const Observed seen = deps_.hands.adopt(row.uid, &*job);
  if (undecided(job->op.step, seen) && silences < kMostSilences) {
    const auto again = [this, row, silences] {
      lanes_.post(row.uid,
                  [this, row, silences] { recover_one(row, silences + 1); });
    };
    return timers_.at(deps_.clock.mono() + back_off(silences), again);
  }
  job->op = recover(job->op.kind, job->op.step, job->op.facts, seen,
                    deps_.clock.mono());
  drive(*std::move(job));
}

// An operation that could not be undone is undone before anything follows.
// What is left of it: why nothing may follow yet.
std::optional<Event> NodeEngine::finish_former(const std::string& uid) {
  const auto rows = deps_.db.operations(uid);
  if (rows.empty() || rows.back()->state != store::OperationState::kRunning)
    return std::nullopt;
  const auto no = [](Reason reason, const std::string& message) {
    return Event{
        Happened::kFailed, reason,
        "what an operation before it made is not undone yet: " + message};
  };
  auto job = taken_up(*rows.back());
  if (!job) return no(Reason::kCorrupt, "its row is not understood");
  const Observed seen = deps_.hands.adopt(uid, &*job);
  job->op = recover(job->op.kind, job->op.step, job->op.facts, seen,
                    deps_.clock.mono());
  const auto outcome = driver_.drive(*job);
  if (!outcome) {
    dead_ = true;
    return no(Reason::kInterrupted, "the agent ends");
  }
  if (!job->outcomes.empty()) {
    const std::lock_guard lock(mutex_);
    entries_[uid].unsettled = std::move(job->outcomes);
    return no(outcome->reason, outcome->message);
  }
  if (unfinished(job->op)) return no(outcome->reason, outcome->message);
  if (!recorded(uid)) deps_.hands.forget(uid);
  return std::nullopt;
}

}  // namespace chrysalis::engine
