#include "src/store/writer.h"

#include <utility>

#include "src/base/log.h"
#include "src/store/wal.h"

namespace chrysalis::store {

Writer::Writer(sqlite::Connection main, sqlite::Connection helper,
               AllStatements statements, GuardedMirror& mirror,
               NodeDb::Options options)
    : main_(std::move(main)),
      helper_(std::move(helper)),
      statements_(std::move(statements)),
      mirror_(mirror),
      options_(std::move(options)) {
  if (options_.commit_hook)
    sqlite3_commit_hook(main_.raw(), &Writer::on_commit, this);
  sqlite3_wal_hook(main_.raw(), &Writer::on_wal, this);
  thread_ = std::thread(&Writer::run, this);
  checkpointer_ = std::thread(&Writer::checkpoint_loop, this);
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    checkpoint_work_.notify_all();
  }
  thread_.join();
  checkpointer_.join();
}

int Writer::on_commit(void* self) {
  auto& writer = *static_cast<Writer*>(self);
  return writer.options_.commit_hook(writer.attempts_) ? 0 : 1;
}

int Writer::on_wal(void* self, sqlite3*, const char*, int pages) {
  static_cast<Writer*>(self)->wal_pages_ = pages;
  return SQLITE_OK;
}

Result<void> Writer::commit(std::vector<Change> changes) {
  Lane lane;
  lane.changes = std::move(changes);
  std::unique_lock lock(mutex_);
  if (stopping_) return fail(Code::kUnavailable, "node.db is closing");
  queue_.push_back(&lane);
  work_.notify_one();
  lane.wake.wait(lock, [&] { return lane.done; });
  return std::move(lane.outcome);
}

void Writer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::vector<Lane*> group = std::exchange(queue_, {});
    lock.unlock();
    commit_group(group);
    ask_for_checkpoint(wal_pages_);
    lock.lock();
    for (Lane* lane : group) {
      lane->done = true;
      // Under the lock: the lane stands on its caller's stack.
      lane->wake.notify_one();
    }
  }
}

void Writer::commit_group(const std::vector<Lane*>& group) {
  Result<void> done = health_ ? write_group(group) : health_;
  if (done) {
    publish(group);
    return;
  }
  if (!main_.idle()) (void)main_.execute("ROLLBACK");
  for (Lane* lane : group)
    if (lane->outcome) lane->outcome = done;
}

Result<void> Writer::write_group(const std::vector<Lane*>& group) {
  CHRYSALIS_TRY(main_.execute("BEGIN IMMEDIATE"));
  bool anything = false;
  for (Lane* lane : group) {
    lane->outcome = write_lane(*lane);
    anything |= lane->outcome.has_value();
    if (main_.idle())  // SQLite rolled all of it back
      return lane->outcome
                 ? fail(Code::kUnavailable, "the transaction was lost")
                 : lane->outcome;
  }
  if (!anything) return main_.execute("ROLLBACK");
  ++attempts_;
  if (auto done = main_.execute("COMMIT"); !done) {
    // After a failed write or fsync nobody knows what the disk holds.
    if (main_.last_error_was_io()) {
      health_ = fail(Code::kUnavailable,
                     "node.db met an I/O error and takes no more commits until "
                     "the program starts again: " +
                         done.error().message);
      log::error("node.db failed", {{"error", done.error().message}});
    }
    return done;
  }
  ++commits_;
  return {};
}

Result<void> Writer::write_lane(Lane& lane) {
  CHRYSALIS_TRY(main_.execute("SAVEPOINT lane"));
  WriteContext context{statements_, mirror_.tables, options_.operations_kept};
  for (const Change& change : lane.changes)
    if (auto written = change.write(context); !written) {
      if (!main_.idle()) (void)main_.execute("ROLLBACK TO lane; RELEASE lane");
      return written;
    }
  return main_.execute("RELEASE lane");
}

void Writer::publish(const std::vector<Lane*>& group) {
  const std::unique_lock lock(mirror_.mutex);
  for (const Lane* lane : group)
    if (lane->outcome)
      for (const Change& change : lane->changes)
        change.apply(mirror_.tables, options_.operations_kept);
}

void Writer::ask_for_checkpoint(int pages) {
  if (pages < kCheckpointPages) return;
  // Between two transactions of its only writer a checkpoint gets to the end,
  // so that the log starts over instead of growing.
  if (pages >= kWriterCheckpointPages) {
    sqlite3_wal_checkpoint_v2(main_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                              nullptr, nullptr);
    return;
  }
  const std::lock_guard lock(mutex_);
  checkpoint_wanted_ = true;
  checkpoint_work_.notify_one();
}

void Writer::checkpoint_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    checkpoint_work_.wait(lock,
                          [&] { return stopping_ || checkpoint_wanted_; });
    if (stopping_) return;
    checkpoint_wanted_ = false;
    lock.unlock();
    // A failure shows again, and loudly, in the next commit.
    sqlite3_wal_checkpoint_v2(helper_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                              nullptr, nullptr);
    lock.lock();
  }
}

}  // namespace chrysalis::store
