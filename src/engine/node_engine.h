#pragma once

// The Engine over a node database and a pair of hands (engine.h has the
// contract). Lanes call the driver; the views are copies under one lock that
// is never held while anything is done.
// Ownership: borrows everything in Deps; all of it outlives the engine.

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/engine/driver.h"
#include "src/engine/engine.h"
#include "src/engine/lanes.h"
#include "src/engine/timers.h"

namespace chrysalis::engine {

class NodeEngine final : public Engine {
 public:
  struct Deps {
    store::NodeDb& db;
    Hands& hands;
    const Clock& clock;
    Strike strike = {};  // tests
    // A lane waits on its thread for what may take minutes: a guest in its
    // grace, a VMM that does not answer. Others go on meanwhile.
    size_t threads = 32;
  };
  explicit NodeEngine(Deps deps);
  ~NodeEngine() override;

  Result<> adopt() override;
  Result<> submit(const std::string& uid, Request request) override;
  [[nodiscard]] VmView view(const std::string& uid) const override;
  [[nodiscard]] SnapshotView snapshot(const std::string& uid) const override;
  [[nodiscard]] std::vector<std::string> vms() const override;
  [[nodiscard]] std::vector<std::string> snapshots() const override;
  void on_change(Changed changed) override;

  // The watch saw something of this VM: its VMM ended, its guest powered off
  // or rebooted. Any thread.
  void look_again(const std::string& uid);

  // A test moved the clock: what is due by it is done.
  void clock_moved() { timers_.nudge(); }
  bool await_timer(milliseconds at_most) { return timers_.await_call(at_most); }

 private:
  // What is known of one uid, VM or snapshot, beside its record.
  struct Entry {
    bool busy = false;
    bool adopting = false;  // not looked at since the agent started
    std::optional<InFlight> running;
    std::optional<Outcome> last;
    Look look;
    uint32_t silences = 0;  // looks in a row that its VMM did not answer
    bool look_due = false;  // another is waited for
    uint64_t turn = 0;      // among those without a record; 0: it has one
    // The end of a former operation that is not durable yet: goes first.
    std::vector<store::Mutation> unsettled;
  };
  class DbJournal final : public Journal {
   public:
    explicit DbJournal(store::NodeDb& db) : db_(db) {}
    Result<> commit(std::vector<store::Mutation> rows) override {
      return db_.commit(std::move(rows));
    }

   private:
    store::NodeDb& db_;
  };

  void run(const std::string& uid, const Request& request);
  void drive(Job job);
  void reap(const std::string& uid);
  void adopt_one(const std::string& uid);
  void recover_one(const store::OperationRow& row, uint32_t silences);
  std::optional<Job> taken_up(const store::OperationRow& row);
  std::optional<Event> finish_former(const std::string& uid);
  void begin_adoption(const store::OperationRow& row);
  void entered(const Job& job);
  void ended(const Job& job, const Outcome& outcome);
  Result<> settle_former(const std::string& uid);
  Look look_at(const std::string& uid, bool settled);
  void look_later(const std::string& uid);
  void refused(const std::string& uid, const Request& request,
               const Event& event, Wall since);
  void refresh(const std::string& uid);
  [[nodiscard]] bool recorded(const std::string& uid) const;
  void keep_or_drop(const std::string& uid);
  [[nodiscard]] uint64_t next_seq(const std::string& uid) const;
  void notify(const std::string& uid) const;

  Deps deps_;
  DbJournal journal_;
  Driver driver_;
  Changed changed_;
  std::atomic<bool> dead_ = false;  // a failpoint ended this agent
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::map<uint64_t, std::string> without_record_;  // by turn, oldest first
  uint64_t turns_ = 0;
  std::set<std::string> to_look_at_;  // a look waits in its lane
  Timers timers_;  // stopped before the lanes, which set them, are joined
  Lanes lanes_;    // last: its tasks use all of the above
};

}  // namespace chrysalis::engine
