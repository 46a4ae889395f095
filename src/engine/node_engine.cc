#include "src/engine/node_engine.h"

#include <utility>

#include "src/base/log.h"
#include "src/engine/back_off.h"

namespace chrysalis::engine {
namespace {

// How an operation ended is told also where no record is left: of the last of
// them only, else an entry would stay of every VM that ever was.
constexpr size_t kKeptWithoutRecord = 256;

struct Subject {
  uint64_t attempt = 0;
  std::string snapshot_uid;
};
struct SubjectOf {
  Subject operator()(const RestartRequest& r) const { return {r.attempt, ""}; }
  Subject operator()(const SnapshotRequest& r) const {
    return {0, r.snapshot_uid};
  }
  Subject operator()(const CloneRequest& r) const {
    return {0, r.snapshot_uid};
  }
  Subject operator()(const RestoreRequest& r) const {
    return {r.attempt, r.snapshot_uid};
  }
  template <class R>
  Subject operator()(const R&) const {
    return {};
  }
};

}  // namespace

NodeEngine::NodeEngine(Deps deps)
    : deps_(std::move(deps)),
      journal_(deps_.db),
      driver_{deps_.hands, journal_, deps_.clock, deps_.strike,
              [this](const Job& job) { entered(job); }},
      timers_(deps_.clock),
      lanes_(deps_.threads) {}

NodeEngine::~NodeEngine() { timers_.stop(); }

void NodeEngine::on_change(Changed changed) { changed_ = std::move(changed); }

void NodeEngine::notify(const std::string& uid) const {
  if (changed_) changed_(uid);
}

uint64_t NodeEngine::next_seq(const std::string& uid) const {
  const auto rows = deps_.db.operations(uid);
  return rows.empty() ? 1 : rows.back()->seq + 1;
}

Result<> NodeEngine::submit(const std::string& uid, Request request) {
  {
    const std::lock_guard lock(mutex_);
    if (dead_) return fail(Code::kUnavailable, "the engine is stopping");
    Entry& entry = entries_[uid];
    if (entry.busy) return fail(Code::kConflict, "an operation is in flight");
    entry.busy = true;
    const Subject about = std::visit(SubjectOf{}, request);
    entry.running = InFlight{kind_of(request), "Queued", deps_.clock.wall(),
                             about.attempt, about.snapshot_uid};
    entry.look.live = live_during(kind_of(request), entry.look.live);
  }
  notify(uid);
  lanes_.post(uid,
              [this, uid, request = std::move(request)] { run(uid, request); });
  return {};
}

void NodeEngine::run(const std::string& uid, const Request& request) {
  if (dead_) return;
  const Wall since = deps_.clock.wall();
  if (const auto settled = settle_former(uid); !settled)
    return refused(uid, request,
                   {Happened::kFailed, Reason::kDatabaseFailed,
                    "the end of the operation before it is not durable yet: " +
                        settled.error().message},
                   since);
  if (const auto left = finish_former(uid))
    return refused(uid, request, *left, since);
  if (dead_) return;
  auto job = deps_.hands.prepare(uid, next_seq(uid), request);
  if (!job) return refused(uid, request, job.error(), since);
  job->started = since;
  drive(*std::move(job));
}

// Whoever asks again paces this: nothing is tried while nobody asks, and an
// agent that ends meanwhile leaves it to the next, like any cut-off operation.
Result<> NodeEngine::settle_former(const std::string& uid) {
  std::vector<store::Mutation> rows;
  {
    const std::lock_guard lock(mutex_);
    rows = entries_[uid].unsettled;
  }
  if (rows.empty()) return {};
  CHRYSALIS_TRY(journal_.commit(rows));
  {
    const std::lock_guard lock(mutex_);
    entries_[uid].unsettled.clear();
  }
  for (const auto& row : rows)
    if (const auto* snapshot = std::get_if<store::SnapshotRecord>(&row))
      notify(snapshot->uid);
  notify(uid);
  return {};
}

void NodeEngine::drive(Job job) {
  const auto outcome = driver_.drive(job);
  if (!outcome) {
    dead_ = true;
    return;
  }
  ended(job, *outcome);
}

void NodeEngine::refused(const std::string& uid, const Request& request,
                         const Event& event, Wall since) {
  const Subject about = std::visit(SubjectOf{}, request);
  Job job;
  job.uid = uid;
  job.op = begin(kind_of(request), {}, deps_.clock.mono());
  job.op.end = End::kRefused;
  job.op.reason = event.reason;
  job.op.message = event.message;
  job.attempt = about.attempt;
  job.snapshot_uid = about.snapshot_uid;
  job.started = since;
  ended(job, outcome_of(job, deps_.clock.wall()));
}

void NodeEngine::entered(const Job& job) {
  const InFlight now{job.op.kind, std::string(to_string(job.op.step)),
                     job.started, job.attempt, job.snapshot_uid};
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[job.uid];
    // A request that waits behind a reap is what people asked for: it shows.
    if (job.op.kind == Kind::kReap && entry.busy) return;
    entry.running = now;
    if (job.op.kind == Kind::kSnapshot)
      entries_[job.snapshot_uid].running = now;
  }
  notify(job.uid);
}

void NodeEngine::ended(const Job& job, const Outcome& outcome) {
  log::write(outcome.ok ? log::Level::kInfo : log::Level::kWarning,
             "operation over",
             {{"uid", job.uid},
              {"op", to_string(outcome.kind)},
              {"reason", to_string(outcome.reason)},
              {"message", outcome.message}});
  const Look look = look_at(job.uid, job.outcomes.empty());
  const bool about_snapshot = job.op.kind == Kind::kSnapshot;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[job.uid];
    entry.busy = entry.adopting = false;
    entry.running.reset();
    if (!job.outcomes.empty()) entry.unsettled = job.outcomes;
    // A reap is no operation that anybody asked for.
    if (job.op.kind != Kind::kReap) entry.last = outcome;
    entry.look = look;
    if (about_snapshot) {
      Entry& taken = entries_[job.snapshot_uid];
      taken.running.reset();
      taken.last = outcome;
    }
  }
  if (!recorded(job.uid)) deps_.hands.forget(job.uid);
  keep_or_drop(job.uid);
  if (about_snapshot) keep_or_drop(job.snapshot_uid);
  notify(job.uid);
  if (about_snapshot) notify(job.snapshot_uid);
  if (look.must_reap && job.op.kind != Kind::kReap) look_again(job.uid);
}

// What was seen becomes durable before it shows; else with a later look.
Look NodeEngine::look_at(const std::string& uid, bool settled) {
  Look look = deps_.hands.look(uid);
  if (look.unread) {
    look_later(uid);
  } else {
    const std::lock_guard lock(mutex_);
    if (const auto at = entries_.find(uid); at != entries_.end())
      at->second.silences = 0;
  }
  auto rows = std::exchange(look.rows, {});
  if (rows.empty() || !settled) return look;
  if (const auto committed = journal_.commit(std::move(rows)); !committed)
    log::warning("what was seen of a VM is not durable yet",
                 {{"uid", uid}, {"message", committed.error().message}});
  return look;
}

// Nobody tells when a VMM answers again.
void NodeEngine::look_later(const std::string& uid) {
  uint32_t silences = 0;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[uid];
    if (std::exchange(entry.look_due, true)) return;
    silences = entry.silences++;
  }
  timers_.at(deps_.clock.mono() + back_off(silences), [this, uid] {
    {
      const std::lock_guard lock(mutex_);
      if (const auto at = entries_.find(uid); at != entries_.end())
        at->second.look_due = false;
    }
    look_again(uid);
  });
}

void NodeEngine::look_again(const std::string& uid) {
  {
    // A look that has not begun will see what there is news of as well.
    const std::lock_guard lock(mutex_);
    if (!to_look_at_.insert(uid).second) return;
  }
  lanes_.post(uid, [this, uid] {
    {
      const std::lock_guard lock(mutex_);
      to_look_at_.erase(uid);
    }
    if (dead_) return;
    refresh(uid);
  });
}

void NodeEngine::refresh(const std::string& uid) {
  {
    // News of a process that was only just taken hold of: what was cut off is
    // recovered before anything is reaped, and then it is looked at anyway.
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(uid);
    if (at != entries_.end() && at->second.adopting) return;
  }
  const bool settled = settle_former(uid).has_value();
  const Look look = look_at(uid, settled);
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[uid];
    // What was submitted meanwhile waits behind us in this lane.
    if (!entry.busy) entry.look = look;
  }
  keep_or_drop(uid);
  notify(uid);
  if (look.must_reap && settled) reap(uid);
}

bool NodeEngine::recorded(const std::string& uid) const {
  return deps_.db.vm(uid) || deps_.db.snapshot(uid);
}

void NodeEngine::keep_or_drop(const std::string& uid) {
  const bool recorded = this->recorded(uid);
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at == entries_.end()) return;
  without_record_.erase(std::exchange(at->second.turn, 0));
  if (recorded) return;
  at->second.turn = ++turns_;
  without_record_.emplace(turns_, uid);
  if (without_record_.size() <= kKeptWithoutRecord) return;
  const auto oldest = without_record_.begin();
  const auto gone = entries_.find(oldest->second);
  gone->second.turn = 0;
  // What is in flight comes back here when it ends.
  const Entry& entry = gone->second;
  if (!entry.busy && !entry.running && entry.unsettled.empty())
    entries_.erase(gone);
  without_record_.erase(oldest);
}

void NodeEngine::reap(const std::string& uid) {
  Job job = deps_.hands.prepare_reap(uid, next_seq(uid));
  job.started = deps_.clock.wall();
  const auto outcome = driver_.drive(job);
  if (!outcome) {
    dead_ = true;
    return;
  }
  const Look look = look_at(uid, job.outcomes.empty());
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[uid];
    if (!entry.busy) entry.running.reset();
    if (!job.outcomes.empty()) entry.unsettled = std::move(job.outcomes);
    entry.look = look;
  }
  notify(uid);
}

VmView NodeEngine::view(const std::string& uid) const {
  VmView view;
  view.uid = uid;
  view.record = deps_.db.vm(uid);
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at == entries_.end()) return view;
  const Entry& entry = at->second;
  view.live = entry.look.live;
  view.adopting = entry.adopting;
  view.exit = entry.look.exit;
  view.running = entry.running;
  view.last = entry.last;
  view.read_back = entry.look.read_back;
  view.nics = entry.look.nics;
  return view;
}

SnapshotView NodeEngine::snapshot(const std::string& uid) const {
  SnapshotView view;
  view.uid = uid;
  view.record = deps_.db.snapshot(uid);
  view.ready = view.record && view.record->ready;
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  if (at == entries_.end()) return view;
  view.running = at->second.running;
  view.last = at->second.last;
  return view;
}

std::vector<std::string> NodeEngine::vms() const {
  std::vector<std::string> out;
  for (const auto& record : deps_.db.vms()) out.push_back(record->uid);
  return out;
}

std::vector<std::string> NodeEngine::snapshots() const {
  std::vector<std::string> out;
  for (const auto& record : deps_.db.snapshots()) out.push_back(record->uid);
  return out;
}

}  // namespace chrysalis::engine
