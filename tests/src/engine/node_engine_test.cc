#include "src/engine/node_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <latch>
#include <utility>

#include "tests/fakes/fake_clock.h"

namespace chrysalis::engine {
namespace {

store::VmRecord a_record(const std::string& uid) {
  store::VmRecord record;
  record.uid = uid;
  record.ns = "default";
  record.name = "web";
  return record;
}

// Hands that do what they are told to, and stop where a test waits for them.
// What the journal holds of u1 when an agent ended in this step.
store::OperationRow cut_off(store::OperationKind kind, std::string step,
                            std::string detail_json) {
  store::OperationRow row;
  row.uid = "u1";
  row.seq = 1;
  row.kind = kind;
  row.step = std::move(step);
  row.detail_json = std::move(detail_json);
  return row;
}

struct FakeHands : Hands {
  tl::expected<Job, Event> prepare(const std::string& uid, uint64_t seq,
                                   const Request& request) override {
    if (enter) enter->count_down();
    if (go) go->wait();
    if (refusal) return tl::unexpected(*refusal);
    Job job;
    job.uid = uid;
    job.seq = seq;
    job.op = begin(kind_of(request), {}, Mono{});
    job.after = a_record(uid);
    return job;
  }
  Job prepare_reap(const std::string& uid, uint64_t seq) override {
    if (enter) enter->count_down();
    if (go) go->wait();
    Job job;
    job.uid = uid;
    job.seq = seq;
    job.op = begin(Kind::kReap, {}, Mono{});
    return job;
  }
  Event perform(Job&, const Action& action) override {
    const std::lock_guard lock(mutex);
    done.push_back(action.what);
    if (action.what == Do::kNetworkDown) must_reap = false;
    return {};
  }
  std::vector<store::Mutation> settle(const Job& job) override {
    if (job.op.end != End::kOk || job.op.kind == Kind::kReap) return {};
    if (job.op.kind == Kind::kDeleteVm) return {store::EraseVm{job.uid}};
    return {job.after};
  }
  Result<> take_hold(const std::string& uid) override {
    if (on_take) on_take();
    if (uid == unknown) return fail(Code::kUnavailable, "too many open files");
    const std::lock_guard lock(mutex);
    taken.push_back(uid);
    return {};
  }
  Observed adopt(const std::string& uid, Job* job) override {
    if (uid == hung) hung_until->wait();
    const std::lock_guard lock(mutex);
    adopted.push_back(uid);
    if (job != nullptr) job->after = a_record(uid);
    if (silences > 0) {
      --silences;
      return {Seen::kSilent, Seen::kGone, true};
    }
    return {seen, Seen::kGone, true};
  }
  Look look(const std::string&) override {
    const std::lock_guard lock(mutex);
    ++looks;
    Look look;
    look.live = live;
    if (unread > 0) {
      --unread;
      look.live = Live::kStarting;
      look.unread = true;
    }
    look.must_reap = must_reap;
    look.rows = std::exchange(seen_rows, {});
    return look;
  }
  void forget(const std::string& uid) override {
    const std::lock_guard lock(mutex);
    forgotten.push_back(uid);
  }
  std::vector<Do> actions() {
    const std::lock_guard lock(mutex);
    return done;
  }

  std::latch* enter = nullptr;  // counted down on the way into prepare
  std::latch* go = nullptr;     // waited for there
  std::optional<Event> refusal;
  std::function<void()> on_take;
  std::string unknown;  // whether its VMM lives cannot be told
  std::string hung;     // its adoption waits for
  std::latch* hung_until = nullptr;
  std::mutex mutex;  // of what follows
  Seen seen = Seen::kRunning;
  int unread = 0;    // so often a look tells nothing
  int silences = 0;  // so often it says nothing
  Live live = Live::kRunning;
  bool must_reap = false;
  int looks = 0;
  std::vector<store::Mutation> seen_rows;
  std::vector<Do> done;
  std::vector<std::string> adopted, forgotten, taken;
};

class NodeEngineTest : public ::testing::Test {
 protected:
  NodeEngineTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-engine-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    store::NodeDb::Options options;
    options.commit_hook = [this](uint64_t) {
      if (refused_commits_ == 0 || --passing_commits_ >= 0) return true;
      --refused_commits_;
      return false;
    };
    db_ = *store::NodeDb::open(dir_ / "node.db", std::move(options));
    start();
  }
  ~NodeEngineTest() override {
    engine_.reset();
    db_.reset();
    std::filesystem::remove_all(dir_);
  }

  void start(Strike strike = {}) {
    engine_.reset();
    engine_ = std::make_unique<NodeEngine>(
        NodeEngine::Deps{*db_, hands_, clock_, std::move(strike), 2});
    // By its address: a last change may be told while it is being destroyed.
    engine_->on_change([this, engine = engine_.get()](const std::string& uid) {
      const auto running = engine->view(uid).running;
      const std::lock_guard lock(mutex_);
      if (running) shown_.push_back(running->kind);
      wake_.notify_all();
    });
  }
  // Until nothing of that uid is in flight; bounded.
  VmView settled(const std::string& uid) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(wake_.wait_for(lock, seconds{60}, [&] {
      const VmView view = engine_->view(uid);
      return view.last && !view.running;
    })) << "still in flight";
    return engine_->view(uid);
  }

  // Until something waits for the clock; bounded.
  bool await_timer() { return engine_->await_timer(seconds{60}); }

  // After so many commits that pass, so many are refused.
  void refuse_commits(int after, int count) {
    passing_commits_ = after;
    refused_commits_ = count;
  }

  // Until it was looked at after an adoption; bounded.
  VmView looked_at(const std::string& uid) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(wake_.wait_for(lock, seconds{60}, [&] {
      const VmView view = engine_->view(uid);
      return !view.adopting && !view.running;
    })) << "still being adopted";
    return engine_->view(uid);
  }

  std::filesystem::path dir_;
  std::atomic<int> passing_commits_ = 0, refused_commits_ = 0;
  FakeClock clock_;
  FakeHands hands_;
  std::unique_ptr<store::NodeDb> db_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Kind> shown_;  // the operations that views ever had in flight
  std::unique_ptr<NodeEngine> engine_;  // last: its lanes call all of the above
};

TEST_F(NodeEngineTest, ABootIsSeenFromQueuedToItsRecord) {
  std::latch enter(1), go(1);
  hands_.enter = &enter;
  hands_.go = &go;
  ASSERT_TRUE(engine_->submit("u1", BootRequest{}));
  enter.wait();
  EXPECT_EQ(engine_->view("u1").live, Live::kStarting);
  EXPECT_EQ(engine_->view("u1").running->kind, Kind::kBoot);
  EXPECT_EQ(engine_->view("u1").record, nullptr);
  go.count_down();
  const VmView view = settled("u1");
  EXPECT_TRUE(view.last->ok);
  EXPECT_EQ(view.live, Live::kRunning);
  ASSERT_NE(view.record, nullptr);
  EXPECT_EQ(view.record->name, "web");
  EXPECT_LE(db_->commits(), 4u);
  EXPECT_EQ(engine_->vms(), std::vector<std::string>{"u1"});
}

TEST_F(NodeEngineTest, ASecondRequestIsAConflictAndOtherVmsGoOn) {
  std::latch enter(1), go(1);
  hands_.enter = &enter;
  hands_.go = &go;
  ASSERT_TRUE(engine_->submit("u1", BootRequest{}));
  enter.wait();
  EXPECT_EQ(engine_->submit("u1", StopRequest{}).error().code, Code::kConflict);
  hands_.enter = nullptr;
  EXPECT_TRUE(engine_->submit("u2", BootRequest{}));
  go.count_down();
  EXPECT_TRUE(settled("u1").last->ok);
  EXPECT_TRUE(settled("u2").last->ok);
  EXPECT_TRUE(engine_->submit("u1", StopRequest{}));
  EXPECT_EQ(settled("u1").last->kind, Kind::kStop);
}

TEST_F(NodeEngineTest, ARefusalNamesItsSubjectAndLeavesNoTrace) {
  hands_.refusal = Event{Happened::kFailed, Reason::kAttemptUsed, "attempt 3"};
  RestoreRequest restore;
  restore.snapshot_uid = "s1";
  restore.attempt = 3;
  ASSERT_TRUE(engine_->submit("u1", restore));
  const VmView view = settled("u1");
  EXPECT_TRUE(view.last->refused);
  EXPECT_EQ(view.last->reason, Reason::kAttemptUsed);
  EXPECT_EQ(view.last->message, "attempt 3");
  EXPECT_EQ(view.last->attempt, 3u);
  EXPECT_EQ(view.last->snapshot_uid, "s1");
  EXPECT_EQ(view.last->restore, store::RestoreResult::kRefused);
  EXPECT_TRUE(hands_.actions().empty());
  EXPECT_EQ(db_->commits(), 0u);
}

// The reap begins, then somebody asks for a restore, which waits behind it.
TEST_F(NodeEngineTest, ARequestBehindAReapShowsAndKeepsItsSubject) {
  std::latch enter(1), go(1);
  hands_.enter = &enter;
  hands_.go = &go;
  hands_.must_reap = true;
  engine_->look_again("u1");
  enter.wait();
  hands_.enter = nullptr;
  hands_.refusal = Event{Happened::kFailed, Reason::kTargetStopped, "ended"};
  RestoreRequest restore;
  restore.snapshot_uid = "s1";
  restore.attempt = 3;
  ASSERT_TRUE(engine_->submit("u1", restore));
  go.count_down();
  const VmView view = settled("u1");
  EXPECT_EQ(view.last->kind, Kind::kRestore);
  EXPECT_EQ(view.last->attempt, 3u);
  EXPECT_EQ(view.last->snapshot_uid, "s1");
  EXPECT_THAT(hands_.actions(), ::testing::Contains(Do::kNetworkDown));
  const std::lock_guard lock(mutex_);
  EXPECT_THAT(shown_, ::testing::Each(Kind::kRestore));
}

// A boot's end is its fourth commit.
TEST_F(NodeEngineTest, AnEndThatIsNotDurableIsSettledBeforeWhatFollows) {
  refuse_commits(3, 2);
  ASSERT_TRUE(engine_->submit("u1", BootRequest{}));
  EXPECT_EQ(settled("u1").last->reason, Reason::kDatabaseFailed);
  ASSERT_EQ(db_->running_operations().size(), 1u);
  const auto before = hands_.actions();

  ASSERT_TRUE(engine_->submit("u1", StopRequest{}));
  VmView view = settled("u1");
  EXPECT_TRUE(view.last->refused);
  EXPECT_EQ(view.last->reason, Reason::kDatabaseFailed);
  EXPECT_EQ(hands_.actions(), before);
  ASSERT_EQ(db_->running_operations().size(), 1u);

  ASSERT_TRUE(engine_->submit("u1", StopRequest{}));
  view = settled("u1");
  EXPECT_TRUE(view.last->ok) << view.last->message;
  EXPECT_TRUE(db_->running_operations().empty());
  const auto rows = db_->operations("u1");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]->kind, store::OperationKind::kBoot);
  EXPECT_EQ(rows[0]->state, store::OperationState::kSucceeded);
}

TEST_F(NodeEngineTest, AnEndThatNeverBecameDurableIsFoundByTheNextAgent) {
  refuse_commits(3, 1);
  ASSERT_TRUE(engine_->submit("u1", BootRequest{}));
  EXPECT_EQ(settled("u1").last->reason, Reason::kDatabaseFailed);
  start();
  ASSERT_TRUE(engine_->adopt());
  const VmView view = settled("u1");
  EXPECT_EQ(view.last->kind, Kind::kBoot);
  EXPECT_TRUE(view.last->ok) << view.last->message;
  EXPECT_TRUE(db_->running_operations().empty());
}

// How it ended can be asked for a while; then nothing is held of it.
TEST_F(NodeEngineTest, OfWhatWasDeletedTheLastFewAreKept) {
  for (int i = 0; i < 300; ++i) {
    const std::string uid = "u" + std::to_string(i);
    ASSERT_TRUE(engine_->submit(uid, BootRequest{}));
    ASSERT_TRUE(settled(uid).last->ok);
    ASSERT_TRUE(engine_->submit(uid, DeleteVmRequest{}));
    ASSERT_EQ(settled(uid).last->kind, Kind::kDeleteVm);
  }
  EXPECT_FALSE(engine_->view("u0").last);
  EXPECT_FALSE(engine_->view("u43").last);
  EXPECT_TRUE(engine_->view("u44").last);
  EXPECT_TRUE(engine_->view("u299").last);
  EXPECT_EQ(hands_.forgotten.size(), 300u);
}

TEST_F(NodeEngineTest, WhatIsRecordedIsNeverDropped) {
  ASSERT_TRUE(engine_->submit("kept", BootRequest{}));
  ASSERT_TRUE(settled("kept").last->ok);
  hands_.refusal = Event{Happened::kFailed, Reason::kImageNotFound, "none"};
  for (int i = 0; i < 300; ++i) {
    const std::string uid = "u" + std::to_string(i % 3);  // again and again
    ASSERT_TRUE(engine_->submit(uid, BootRequest{}));
    settled(uid);
  }
  EXPECT_EQ(engine_->view("kept").live, Live::kRunning);
  EXPECT_TRUE(engine_->view("u0").last);
}

TEST_F(NodeEngineTest, ASnapshotIsSeenUnderItsOwnUid) {
  hands_.refusal = Event{Happened::kFailed, Reason::kSourceNotRunning, "off"};
  ASSERT_TRUE(engine_->submit("u1", SnapshotRequest{"s1", "ns", "nightly"}));
  settled("u1");
  const SnapshotView taken = engine_->snapshot("s1");
  ASSERT_TRUE(taken.last);
  EXPECT_EQ(taken.last->reason, Reason::kSourceNotRunning);
  EXPECT_FALSE(taken.ready);
  EXPECT_FALSE(taken.running);
}

TEST_F(NodeEngineTest, WhatADeadAgentLeftIsEndedByItsSuccessor) {
  std::latch died(1);
  start([&](const Failpoint& at) {
    if (at.place != Place::kJournalled) return Struck::kNot;
    died.count_down();
    return Struck::kDeath;
  });
  ASSERT_TRUE(engine_->submit("u1", StopRequest{}));
  died.wait();
  engine_.reset();
  EXPECT_TRUE(hands_.actions().empty());
  ASSERT_EQ(db_->running_operations().size(), 1u);
  start();
  ASSERT_TRUE(engine_->adopt());
  EXPECT_TRUE(settled("u1").last->ok);
  EXPECT_TRUE(db_->running_operations().empty());
  EXPECT_EQ(hands_.adopted, std::vector<std::string>{"u1"});
  EXPECT_TRUE(engine_->submit("u1", StopRequest{}));
  settled("u1");
}

// Silence proves nothing: it is asked again, and what came up counts.
TEST_F(NodeEngineTest, ABootThatIsSilentIsLookedAtAgain) {
  const auto row = cut_off(store::OperationKind::kBoot, "Run",
                           R"({"power":"Running","first":true})");
  ASSERT_TRUE(db_->commit({a_record("u1"), row}));
  hands_.silences = 3;
  ASSERT_TRUE(engine_->adopt());
  for (const int wait : {1, 2, 4}) {
    ASSERT_TRUE(await_timer());
    EXPECT_TRUE(engine_->view("u1").adopting);
    clock_.advance(seconds{wait});
    engine_->clock_moved();
  }
  EXPECT_TRUE(settled("u1").last->ok);
  EXPECT_TRUE(hands_.actions().empty());
  EXPECT_EQ(hands_.adopted.size(), 4u);
}

// It decides in the end, and undoes nothing.
TEST_F(NodeEngineTest, ABootThatStaysSilentCountsAndStays) {
  const auto row = cut_off(store::OperationKind::kBoot, "Run",
                           R"({"power":"Running","first":true})");
  ASSERT_TRUE(db_->commit({a_record("u1"), row}));
  hands_.silences = 1000;
  ASSERT_TRUE(engine_->adopt());
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(await_timer());
    clock_.advance(seconds{60});
    engine_->clock_moved();
  }
  EXPECT_TRUE(settled("u1").last->ok);
  EXPECT_TRUE(hands_.actions().empty());
}

TEST_F(NodeEngineTest, AdoptionLooksAtEveryRecordedVm) {
  ASSERT_TRUE(db_->commit({a_record("u7")}));
  hands_.live = Live::kPaused;
  ASSERT_TRUE(engine_->adopt());
  EXPECT_EQ(hands_.taken, std::vector<std::string>{"u7"});
  EXPECT_EQ(looked_at("u7").live, Live::kPaused);
  EXPECT_EQ(hands_.adopted, std::vector<std::string>{"u7"});
}

// What cannot be asked for may live: nothing is done to any VM.
TEST_F(NodeEngineTest, AnAgentThatCannotTellWhatLivesDoesNotStart) {
  ASSERT_TRUE(db_->commit({a_record("u1"), a_record("u2")}));
  hands_.unknown = "u2";
  hands_.must_reap = true;
  const auto adopted = engine_->adopt();
  ASSERT_FALSE(adopted);
  EXPECT_EQ(adopted.error().code, Code::kUnavailable);
  engine_.reset();
  EXPECT_TRUE(hands_.adopted.empty());
  EXPECT_TRUE(hands_.actions().empty());
}

// u1 was cut off in the middle and its VMM does not answer; u2 only ran.
TEST_F(NodeEngineTest, AHungVmmHoldsUpNobodyElse) {
  const auto row =
      cut_off(store::OperationKind::kStop, "Ask", R"({"power":"Stopped"})");
  ASSERT_TRUE(db_->commit({a_record("u1"), a_record("u2"), row}));
  std::latch answers(1);
  hands_.hung = "u1";
  hands_.hung_until = &answers;
  ASSERT_TRUE(engine_->adopt());
  EXPECT_THAT(hands_.taken, ::testing::ElementsAre("u1", "u2"));
  EXPECT_EQ(looked_at("u2").live, Live::kRunning);
  ASSERT_TRUE(engine_->submit("u2", PauseRequest{}));
  EXPECT_TRUE(settled("u2").last->ok);
  ASSERT_TRUE(engine_->submit("u3", BootRequest{}));
  EXPECT_TRUE(settled("u3").last->ok);

  const VmView hung = engine_->view("u1");
  EXPECT_TRUE(hung.adopting);
  ASSERT_TRUE(hung.running);
  EXPECT_EQ(hung.running->kind, Kind::kStop);
  EXPECT_EQ(engine_->submit("u1", StopRequest{}).error().code, Code::kConflict);
  answers.count_down();
  EXPECT_TRUE(settled("u1").last->ok);
  EXPECT_FALSE(engine_->view("u1").adopting);
}

// The VMM ends while it is being taken hold of: news come before the recovery.
TEST_F(NodeEngineTest, NothingIsReapedBeforeItsRecovery) {
  const auto row =
      cut_off(store::OperationKind::kStop, "Ask", R"({"power":"Stopped"})");
  ASSERT_TRUE(db_->commit({a_record("u1"), row}));
  hands_.must_reap = true;
  hands_.on_take = [this] { engine_->look_again("u1"); };
  ASSERT_TRUE(engine_->adopt());
  EXPECT_TRUE(settled("u1").last->ok);
  // ShutDown is the recovered stop's, and the first of all that was done.
  EXPECT_EQ(hands_.actions().front(), Do::kShutDown);
}

// A VMM may have news all the time, and a lane that is busy for minutes.
TEST_F(NodeEngineTest, NewsBehindABusyLaneAreOneLook) {
  std::latch enter(1), go(1);
  hands_.enter = &enter;
  hands_.go = &go;
  ASSERT_TRUE(engine_->submit("u1", StopRequest{}));
  enter.wait();
  hands_.enter = nullptr;
  for (int i = 0; i < 1000; ++i) engine_->look_again("u1");
  go.count_down();
  settled("u1");
  ASSERT_TRUE(engine_->submit("u1", StopRequest{}));  // behind them
  settled("u1");
  const std::lock_guard lock(hands_.mutex);
  EXPECT_EQ(hands_.looks, 3);  // two of the stops' own
}

// Nobody tells of it: it would stay Starting for ever.
TEST_F(NodeEngineTest, AVmThatWasSilentOnceIsLookedAtAgain) {
  ASSERT_TRUE(db_->commit({a_record("u1")}));
  hands_.unread = 3;
  ASSERT_TRUE(engine_->adopt());
  EXPECT_EQ(looked_at("u1").live, Live::kStarting);
  for (const int wait : {1, 2, 4}) {
    ASSERT_TRUE(await_timer());
    EXPECT_EQ(engine_->view("u1").live, Live::kStarting);
    clock_.advance(seconds{wait});
    engine_->clock_moved();
  }
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(wake_.wait_for(lock, seconds{60}, [&] {
    return engine_->view("u1").live == Live::kRunning;
  }));
}

TEST_F(NodeEngineTest, WhatWasSeenIsDurableBeforeItShows) {
  ASSERT_TRUE(db_->commit({a_record("u1")}));
  auto counted = a_record("u1");
  counted.guest_reboots = 3;
  hands_.seen_rows = {counted};
  engine_->look_again("u1");
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(wake_.wait_for(lock, seconds{60}, [&] {
    return engine_->view("u1").live == Live::kRunning;
  }));
  EXPECT_EQ(engine_->view("u1").record->guest_reboots, 3u);
}

TEST_F(NodeEngineTest, WhatTheJournalCannotSayIsLeftAlone) {
  store::OperationRow row;
  row.uid = "u1";
  row.seq = 1;
  row.step = "NoSuchStep";
  row.detail_json = "{}";
  ASSERT_TRUE(db_->commit({row}));
  ASSERT_TRUE(engine_->adopt());
  {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(wake_.wait_for(lock, seconds{60}, [&] {
      return engine_->view("u1").live == Live::kRunning;  // it was looked at
    }));
  }
  EXPECT_EQ(engine_->submit("u1", StopRequest{}).error().code, Code::kConflict);
  EXPECT_TRUE(hands_.actions().empty());
  EXPECT_EQ(db_->running_operations().size(), 1u);
}

}  // namespace
}  // namespace chrysalis::engine
