#pragma once

// The one thread that writes to the database, and the one that moves the log
// into it. Internal to src/store; the contract is node_db.h's.
//
//   lane A: commit() --\                    BEGIN
//   lane B: commit() ---> queue -> writer:  SAVEPOINT A.. B.. C..  (a failed
//   lane C: commit() --/                    COMMIT  lane rolls back alone)
//                                           mirror, then wake A, B, C
//
// Thread-safety: commit() and commits() from any thread.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "src/store/change.h"

namespace chrysalis::store {

// The mirror and the lock that readers share.
struct GuardedMirror {
  mutable std::shared_mutex mutex;
  Mirror tables;
};

class Writer {
 public:
  // `main` writes, `helper` checkpoints; the mirror outlives the writer.
  Writer(sqlite::Connection main, sqlite::Connection helper,
         AllStatements statements, GuardedMirror& mirror,
         NodeDb::Options options);
  ~Writer();  // finishes what is queued
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<void> commit(std::vector<Change> changes);
  [[nodiscard]] uint64_t commits() const { return commits_; }

 private:
  struct Lane {
    std::vector<Change> changes;
    Result<void> outcome;
    bool done = false;
    std::condition_variable wake;
  };

  void run();
  void checkpoint_loop();
  void commit_group(const std::vector<Lane*>& group);
  Result<void> write_group(const std::vector<Lane*>& group);
  Result<void> write_lane(Lane& lane);
  void publish(const std::vector<Lane*>& group);
  void ask_for_checkpoint(int pages);
  static int on_commit(void* self);
  static int on_wal(void* self, sqlite3* db, const char* name, int pages);

  sqlite::Connection main_, helper_;
  AllStatements statements_;
  GuardedMirror& mirror_;
  NodeDb::Options options_;
  std::atomic<uint64_t> commits_ = 0;
  uint64_t attempts_ = 0;  // writer's thread only, as the next two
  int wal_pages_ = 0;
  Result<void> health_;  // an I/O error: no commit counts any more

  std::mutex mutex_;
  std::condition_variable work_, checkpoint_work_;
  std::vector<Lane*> queue_;
  bool stopping_ = false, checkpoint_wanted_ = false;
  std::thread thread_, checkpointer_;
};

}  // namespace chrysalis::store
