#include <gtest/gtest.h>

#include "controller/reconcile/vm/attempts.h"
#include "tests/controller/reconcile/vm/world.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using engine::Reason;
using model::PowerState;

size_t restores(const VmWorld& w) {
  return static_cast<size_t>(std::ranges::count(w.asked, Kind::kRestore));
}

api::RestoreSpec restore(const std::string& snapshot, uint64_t attempt) {
  api::RestoreSpec out;
  out.snapshot = snapshot;
  out.attempt = attempt;
  return out;
}

struct Restorable : VmWorld {
  Restorable() {
    boot();
    snapshot = make_snapshot("snap", "snap-uid", "vm-uid");
  }
  void ask(uint64_t attempt, const std::string& name = "snap") {
    edit().restore = restore(name, attempt);
    run();
  }
  // An edit of what may change until the pair is finished.
  void change(const std::function<void(api::RestoreSpec&)>& how) {
    how(*edit().restore);
    run();
  }
};

TEST(VmRestore, AsksTheEngineForAllThatWasAsked) {
  Restorable w;
  w.edit().restore =
      api::RestoreSpec{"snap", 2, true, true, digest_of("snap-uid")};
  w.run();
  const auto& request = std::get<engine::RestoreRequest>(*w.in_flight);
  EXPECT_EQ(request.snapshot_uid, "snap-uid");
  EXPECT_EQ(request.attempt, 2U);
  EXPECT_TRUE(request.on_demand);
  EXPECT_TRUE(request.allow_foreign);
  EXPECT_EQ(request.manifest_digest, digest_of("snap-uid"));
}

TEST(VmRestore, ADoneAttemptIsNotDoneAgain) {
  Restorable w;
  w.ask(1);
  w.succeed();
  EXPECT_EQ(restores(w), 1U);
  w.new_agent();
  w.lose_status();
  w.run();
  EXPECT_EQ(restores(w), 1U) << "the record remembers";
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "True/Succeeded");
  // Removed and put back: the last finished pair is a no-op.
  w.edit().restore.reset();
  w.run();
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "True/Succeeded");
  w.ask(1);
  EXPECT_EQ(restores(w), 1U);
  EXPECT_EQ(w.condition(ConditionType::kStalled), "-");
}

TEST(VmRestore, AUsedAttemptIsRefusedByName) {
  Restorable w;
  w.ask(1);
  w.succeed();
  w.ask(2);
  w.succeed();
  w.ask(1);  // a reverted commit
  EXPECT_EQ(restores(w), 2U);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "False/AttemptUsed");
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
  EXPECT_EQ(w.kstatus(), "Failed");
  EXPECT_EQ(w.vm.status.restore->message,
            "attempt 1 was used; ask for attempt 3");
  EXPECT_EQ(w.vm.status.restore->result, api::RestoreVerdict::kRefused);
  // Another snapshot under the highest attempt.
  w.ask(2, "other");
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "False/AttemptUsed");
  w.ask(3);
  EXPECT_EQ(restores(w), 3U);
  EXPECT_EQ(w.condition(ConditionType::kStalled), "-");
}

TEST(VmRestore, ARefusalUsesUpNoAttempt) {
  Restorable w;
  w.ask(1);
  w.fail(Reason::kTopologyMismatch, true, "they differ");
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded),
            "False/TopologyMismatch");
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
  EXPECT_EQ(w.vm.status.restore->result, api::RestoreVerdict::kRefused);
  EXPECT_EQ(w.kstatus(), "Failed");
  w.now += seconds{3600};
  EXPECT_FALSE(w.step()) << "no hot loop";
  // The same attempt with another option is another request.
  w.change([](auto& r) { r.allow_foreign = true; });
  EXPECT_EQ(restores(w), 2U);
  EXPECT_EQ(w.condition(ConditionType::kStalled), "-");
  w.succeed();
  EXPECT_EQ(w.vm.status.restore->attempt, 1U);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "True/Succeeded");
}

TEST(VmRestore, ARefusalOutlivesTheAgent) {
  Restorable w;
  w.ask(1);
  w.fail(Reason::kTopologyMismatch, true, "they differ");
  const api::VmStatus before = w.vm.status;
  w.new_agent();
  w.run();
  EXPECT_EQ(restores(w), 1U);
  EXPECT_EQ(w.vm.status, before) << "nothing flaps";
  // The snapshot made anew under the same name is another one.
  w.snapshot = make_snapshot("snap", "snap-2", "vm-uid");
  w.run();
  EXPECT_EQ(restores(w), 2U);
}

TEST(VmRestore, RemovingItClearsItsStall) {
  Restorable w;
  w.ask(1);
  w.fail(Reason::kTopologyMismatch, true, "they differ");
  w.edit().restore.reset();
  w.run();
  EXPECT_EQ(w.kstatus(), "Current");
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "-");
  EXPECT_FALSE(w.vm.status.restore);
}

TEST(VmRestore, ARollBackUsesTheAttempt) {
  Restorable w;
  w.ask(1);
  w.roll_back(Reason::kNotHealthy);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "False/RolledBack");
  EXPECT_EQ(w.vm.status.restore->result, api::RestoreVerdict::kRolledBack);
  EXPECT_EQ(w.vm.status.restore->reason, "NotHealthy");
  w.new_agent();
  w.run();
  EXPECT_EQ(restores(w), 1U);
  w.ask(2);
  EXPECT_EQ(restores(w), 2U);
}

TEST(VmRestore, AnInterruptedOneIsAskedAgain) {
  Restorable w;
  w.ask(1);
  w.interrupt();
  EXPECT_EQ(restores(w), 2U);
  w.succeed();
  EXPECT_EQ(w.record->restore_attempt_done, 1U);
}

struct Refusal {
  const char* name;
  void (*with)(Restorable&);
  const char* said;
  bool stalls;
};
void PrintTo(const Refusal& r, std::ostream* out) { *out << r.name; }
class RestoreRefused : public testing::TestWithParam<Refusal> {};

void alter(Restorable& w,
           const std::function<void(store::SnapshotRecord&)>& how) {
  auto record =
      std::make_shared<store::SnapshotRecord>(*w.snapshot->view.record);
  how(*record);
  w.snapshot->view.record = record;
}

const Refusal kRefusals[] = {
    {"NotFound", [](Restorable& w) { w.snapshot.reset(); },
     "Unknown/SnapshotNotFound", false},
    {"NotReady", [](Restorable& w) { w.snapshot->view.ready = false; },
     "Unknown/SnapshotNotReady", false},
    {"OtherNode",
     [](Restorable& w) {
       auto object = std::make_shared<api::VmSnapshot>(*w.snapshot->object);
       object->status.node_name = "node-b";
       w.snapshot->object = object;
     },
     "False/SnapshotOnOtherNode", true},
    {"Foreign",
     [](Restorable& w) { alter(w, [](auto& r) { r.source_uid = "another"; }); },
     "False/ForeignSnapshot", true},
    {"ImportIsForeign",
     [](Restorable& w) { alter(w, [](auto& r) { r.source_uid = ""; }); },
     "False/ForeignSnapshot", true},
    {"NicCount",
     [](Restorable& w) { alter(w, [](auto& r) { r.config.nics = 4; }); },
     "False/NicCountMismatch", true},
    {"Hypervisor",
     [](Restorable& w) {
       alter(w, [](auto& r) {
         r.config.hypervisor = model::Hypervisor::kFirecracker;
       });
     },
     "False/HypervisorMismatch", true},
    {"SetsMemory",
     [](Restorable& w) { w.vm.spec.wish.memory = model::Bytes{1ULL << 30}; },
     "False/InvalidSpec", true},
    {"SetsMemoryInsideTheRequest",
     [](Restorable& w) {
       w.vm.spec.restore->declared = {{"memory", std::string("1Gi")}};
     },
     "False/InvalidSpec", true},
    {"OtherContents",
     [](Restorable& w) { w.vm.spec.restore->manifest_digest = digest_of("x"); },
     "False/DigestMismatch", true},
    {"Stopped",
     [](Restorable& w) {
       w.vm.spec.power = PowerState::kStopped;
       w.live = Live::kStopped;
       w.read_back.reset();
     },
     "Unknown/TargetStopped", false},
};

TEST_P(RestoreRefused, BeforeAnythingIsTouched) {
  Restorable w;
  w.edit().restore = restore("snap", 1);
  GetParam().with(w);
  w.run();
  EXPECT_EQ(restores(w), 0U);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), GetParam().said);
  EXPECT_EQ(w.condition(ConditionType::kReady).substr(0, 4), "True");
  EXPECT_EQ(w.kstatus(), GetParam().stalls ? "Failed" : "InProgress");
  EXPECT_EQ(w.vm.status.restore->result,
            GetParam().stalls ? api::RestoreVerdict::kRefused
                              : api::RestoreVerdict::kInProgress);
  EXPECT_EQ(w.record->restore_attempt_done, 0U);
  w.now += seconds{100};
  EXPECT_FALSE(w.step()) << "the same again is the same";
}

INSTANTIATE_TEST_SUITE_P(All, RestoreRefused, testing::ValuesIn(kRefusals),
                         [](const auto& r) { return r.param.name; });

TEST(VmRestore, AStoppedTargetIsRestoredOnceItRunsAsAsked) {
  Restorable w;
  w.edit().power = PowerState::kStopped;
  w.run();
  w.succeed();
  w.ask(1);
  EXPECT_EQ(w.asked.back(), Kind::kStop);
  w.edit().power = PowerState::kRunning;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStart);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded),
            "Unknown/InProgress");
  w.succeed();
  EXPECT_EQ(w.asked.back(), Kind::kRestore);
}

TEST(VmRestore, WhatEndedByItselfIsRestoredBeforeItIsRestarted) {
  Restorable w;
  w.guest_ends(false, 1);
  w.ask(1);
  EXPECT_EQ(w.asked.back(), Kind::kRestore);
  EXPECT_EQ(w.phase(), "Restoring");
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/Restoring");
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
}

TEST(VmRestore, AHinderedOneDoesNotHoldUpTheRest) {
  Restorable w;
  w.snapshot.reset();
  w.ask(1);
  w.guest_ends(false, 1);
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/RestartBackOff");
  w.now += seconds{10};
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStart);
  w.succeed();
  w.edit().power = PowerState::kPaused;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kPause);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded),
            "Unknown/SnapshotNotFound");
}

TEST(VmRestore, AColdBootAskedForAtTheSameTimeGoesFirst) {
  Restorable w;
  w.edit().restart_attempt = 1;
  w.ask(1);
  EXPECT_EQ(w.asked.back(), Kind::kRestart);
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded),
            "Unknown/InProgress");
  w.succeed();
  EXPECT_EQ(w.asked.back(), Kind::kRestore);
  w.succeed();
  EXPECT_EQ(w.asked.size(), 3U);
  // Also when it had ended by itself.
  w.guest_ends(false, 1);
  w.edit().restart_attempt = 2;
  w.ask(2);
  EXPECT_EQ(w.asked.back(), Kind::kStart);
}

TEST(VmRestore, ANewVmThatCarriesOneBootsNothing) {
  VmWorld w;
  w.vm.spec.restore = restore("snap", 1);
  w.run();
  EXPECT_TRUE(w.asked.empty());
  w.edit().restore.reset();
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kBoot);
  // Made and never run: the same.
  VmWorld stopped;
  stopped.vm.spec.power = PowerState::kStopped;
  stopped.run();
  stopped.succeed();
  stopped.edit().restore = restore("snap", 1);
  stopped.run();
  EXPECT_EQ(stopped.condition(ConditionType::kStalled), "True/RestoreOfNewVM");
  EXPECT_EQ(stopped.condition(ConditionType::kReady),
            "True/StoppedAsRequested");
  stopped.edit().power = PowerState::kRunning;
  stopped.run();
  EXPECT_EQ(stopped.asked.size(), 1U);
  EXPECT_EQ(stopped.condition(ConditionType::kReady), "False/RestoreOfNewVM");
}

TEST(VmRestore, TurnsByTheRecordAlone) {
  store::VmRecord record;
  record.first_booted = true;
  record.restore_attempt_done = 2;
  record.restore = store::LastRestore{};
  record.restore->snapshot = "snap";
  record.restore->attempt = 2;
  record.restore->result = store::RestoreResult::kFailed;
  EXPECT_EQ(restore_turn({}, &record), RestoreTurn::kNotAsked);
  EXPECT_EQ(restore_turn(restore("snap", 2), &record), RestoreTurn::kFinished);
  EXPECT_EQ(restore_turn(restore("snap", 3), &record), RestoreTurn::kDue);
  EXPECT_EQ(restore_turn(restore("snap", 1), &record), RestoreTurn::kUsed);
  EXPECT_EQ(restore_turn(restore("other", 2), &record), RestoreTurn::kUsed);
  EXPECT_EQ(restore_turn(restore("snap", 3), nullptr), RestoreTurn::kNewVm);
  for (const auto result :
       {store::RestoreResult::kInProgress, store::RestoreResult::kRefused}) {
    record.restore->result = result;
    EXPECT_EQ(restore_turn(restore("snap", 2), &record), RestoreTurn::kUsed);
  }
}

}  // namespace
}  // namespace chrysalis::reconcile
