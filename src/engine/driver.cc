#include "src/engine/driver.h"

#include <iterator>
#include <utility>

#include "src/base/log.h"

namespace chrysalis::engine {
namespace {

Event broken_here(const Job& job) {
  return {Happened::kFailed, Reason::kInterrupted,
          "failpoint at " + std::string(to_string(job.op.step))};
}

void log_step(const Job& job, const Event& event) {
  const bool good = event.what == Happened::kDone;
  log::write(good ? log::Level::kDebug : log::Level::kWarning, "step over",
             {{"uid", job.uid},
              {"op", to_string(job.op.kind)},
              {"step", to_string(job.op.step)},
              {"what", to_string(event.what)},
              {"reason", to_string(event.reason)},
              {"message", event.message}});
}

}  // namespace

Struck Driver::struck(const Job& job, Place place) const {
  if (!strike) return Struck::kNot;
  return strike({job.op.kind, job.op.step, place});
}

std::optional<Event> Driver::write_intent(Job& job) const {
  switch (struck(job, Place::kIntent)) {
    case Struck::kNot:
      break;
    case Struck::kError:
      return Event{Happened::kNotJournalled, Reason::kDatabaseFailed,
                   "failpoint"};
    case Struck::kDeath:
      return std::nullopt;
  }
  std::vector<store::Mutation> rows = job.outcomes;
  rows.emplace_back(row_of(job, clock.wall()));
  const auto committed = journal.commit(std::move(rows));
  if (!committed)
    return Event{Happened::kNotJournalled, Reason::kDatabaseFailed,
                 committed.error().message};
  job.outcomes.clear();
  job.journalled = true;
  switch (struck(job, Place::kJournalled)) {
    case Struck::kNot:
      return Event{};
    case Struck::kError:
      return broken_here(job);
    case Struck::kDeath:
      return std::nullopt;
  }
  return Event{};
}

std::optional<Event> Driver::run_step(Job& job) const {
  const Plan now = plan(job.op);
  Event event;
  if (now.journal) {
    const auto written = write_intent(job);
    if (!written) return std::nullopt;
    event = *written;
  }
  for (const Action& action : now.actions) {
    if (event.what != Happened::kDone) break;
    event = hands.perform(job, action);
  }
  switch (struck(job, Place::kActed)) {
    case Struck::kNot:
      return event;
    case Struck::kError:
      return event.what == Happened::kDone ? broken_here(job) : event;
    case Struck::kDeath:
      return std::nullopt;
  }
  return event;
}

std::optional<Outcome> Driver::finish(Job& job) const {
  if (struck(job, Place::kEnd) == Struck::kDeath) return std::nullopt;
  std::vector<store::Mutation> rows = std::move(job.outcomes);
  job.outcomes.clear();
  auto settled = hands.settle(job);
  // The job's row first: removing a VM removes its rows with it.
  if (job.journalled) rows.emplace_back(row_of(job, clock.wall()));
  rows.insert(rows.end(), std::make_move_iterator(settled.begin()),
              std::make_move_iterator(settled.end()));
  if (rows.empty()) return outcome_of(job, clock.wall());
  if (const auto committed = journal.commit(rows); !committed) {
    job.outcomes = std::move(rows);
    job.op.end = End::kFailed;
    job.op.reason = Reason::kDatabaseFailed;
    job.op.message = "its end is not durable yet: " + committed.error().message;
  }
  return outcome_of(job, clock.wall());
}

std::optional<Outcome> Driver::drive(Job& job) const {
  while (!job.op.end) {
    if (on_step) on_step(job);
    const auto event = run_step(job);
    if (!event) return std::nullopt;
    log_step(job, *event);
    job.op = advance(std::move(job.op), *event, clock.mono());
  }
  return finish(job);
}

}  // namespace chrysalis::engine
