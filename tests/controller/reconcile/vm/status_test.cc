#include <gtest/gtest.h>

#include <functional>

#include "tests/controller/reconcile/vm/world.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using engine::Reason;
using model::PowerState;
using model::RestartPolicy;

// The table of the specification, row by row: how a VM gets there, and what
// its status then says.
struct Row {
  const char* name;
  std::function<void(VmWorld&)> get_there;
  const char *phase, *ready, *kstatus;
  std::vector<std::pair<ConditionType, const char*>> others;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Table : public testing::TestWithParam<Row> {};

void ask_restore(VmWorld& w, uint64_t attempt, const char* source_uid) {
  w.snapshot = make_snapshot("snap", "snap-uid", source_uid);
  api::RestoreSpec restore;
  restore.snapshot = "snap";
  restore.attempt = attempt;
  w.edit().restore = restore;
  w.run();
}

const Row kRows[] = {
    {"Running",
     [](VmWorld& w) { w.boot(); },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kRunning, "True/Running"},
      {ConditionType::kReconciling, "-"},
      {ConditionType::kStalled, "-"},
      {ConditionType::kFinished, "-"},
      {ConditionType::kRestartRequired, "-"},
      {ConditionType::kResourcesInherited, "-"},
      {ConditionType::kRestoreSucceeded, "-"},
      {ConditionType::kSnapshotSupported, "True/Supported"},
      {ConditionType::kGuestNetworkReady, "Unknown/NoAnswer"}}},
    {"Starting",
     [](VmWorld& w) { w.run(); },
     "Starting",
     "False/Starting",
     "InProgress",
     {{ConditionType::kReconciling, "True/Starting"},
      {ConditionType::kRunning, "False/Starting"}}},
    {"StoppedAsAsked",
     [](VmWorld& w) {
       w.boot();
       w.edit().power = PowerState::kStopped;
       w.run();
       w.succeed();
     },
     "Stopped",
     "True/StoppedAsRequested",
     "Current",
     {{ConditionType::kRunning, "False/Stopped"},
      {ConditionType::kStalled, "-"}}},
    {"PausedAsAsked",
     [](VmWorld& w) {
       w.boot();
       w.edit().power = PowerState::kPaused;
       w.run();
       w.succeed();
     },
     "Paused",
     "True/PausedAsRequested",
     "Current",
     {{ConditionType::kRunning, "False/Paused"}}},
    {"CpuEditedWhileRunning",
     [](VmWorld& w) {
       w.boot();
       w.edit().wish.cpu = 4;
       w.run();
     },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kRestartRequired, "True/SpecChanged"},
      {ConditionType::kReconciling, "-"}}},
    {"NeverEndsWell",
     [](VmWorld& w) {
       w.vm.spec.restart_policy = RestartPolicy::kNever;
       w.boot();
       w.guest_ends(true);
     },
     "Succeeded",
     "True/Completed",
     "Current",
     {{ConditionType::kFinished, "True/Succeeded"},
      {ConditionType::kRunning, "False/Ended"},
      {ConditionType::kStalled, "-"}}},
    {"NeverGuestFails",
     [](VmWorld& w) {
       w.vm.spec.restart_policy = RestartPolicy::kNever;
       w.boot();
       w.guest_ends(false, 1);
     },
     "Failed",
     "False/GuestFailed",
     "Failed",
     {{ConditionType::kFinished, "True/Failed"},
      {ConditionType::kStalled, "True/GuestFailed"}}},
    {"OnFailureEndsWell",
     [](VmWorld& w) {
       w.boot();
       w.guest_ends(true);
     },
     "Succeeded",
     "True/Completed",
     "Current",
     {{ConditionType::kFinished, "True/Succeeded"}}},
    {"OnFailureGuestFails",
     [](VmWorld& w) {
       w.boot();
       w.guest_ends(false, 1);
     },
     "Pending",
     "False/RestartBackOff",
     "InProgress",
     {{ConditionType::kReconciling, "True/RestartBackOff"},
      {ConditionType::kFinished, "-"},
      {ConditionType::kStalled, "-"}}},
    {"RestoreRefused",
     [](VmWorld& w) {
       w.boot();
       ask_restore(w, 1, "another-vm");
     },
     "Running",
     "True/Running",
     "Failed",
     {{ConditionType::kRestoreSucceeded, "False/ForeignSnapshot"},
      {ConditionType::kStalled, "True/ForeignSnapshot"},
      {ConditionType::kReconciling, "-"}}},
    {"RestoreInFlight",
     [](VmWorld& w) {
       w.boot();
       ask_restore(w, 1, "vm-uid");
     },
     "Restoring",
     "True/Running",
     "InProgress",
     {{ConditionType::kRestoreSucceeded, "Unknown/InProgress"},
      {ConditionType::kReconciling, "True/Restoring"}}},
    {"RestoreSucceeded",
     [](VmWorld& w) {
       w.boot();
       ask_restore(w, 1, "vm-uid");
       w.succeed();
     },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kRestoreSucceeded, "True/Succeeded"},
      {ConditionType::kResourcesInherited, "True/Inherited"},
      {ConditionType::kReconciling, "-"}}},
    {"RestoreRolledBack",
     [](VmWorld& w) {
       w.boot();
       ask_restore(w, 1, "vm-uid");
       w.roll_back(Reason::kLoadFailed);
     },
     "Running",
     "True/Running",
     "Failed",
     {{ConditionType::kRestoreSucceeded, "False/RolledBack"},
      {ConditionType::kStalled, "True/RolledBack"}}},
    {"RestoreWaitsForItsSnapshot",
     [](VmWorld& w) {
       w.boot();
       ask_restore(w, 1, "vm-uid");
       w.roll_back(Reason::kLoadFailed);
       w.snapshot.reset();
       w.edit().restore->attempt = 2;
       w.run();
     },
     "Running",
     "True/Running",
     "InProgress",
     {{ConditionType::kRestoreSucceeded, "Unknown/SnapshotNotFound"},
      {ConditionType::kReconciling, "True/SnapshotNotFound"},
      {ConditionType::kStalled, "-"}}},
    {"RestoreOfNewVm",
     [](VmWorld& w) { ask_restore(w, 1, "vm-uid"); },
     "Failed",
     "False/RestoreOfNewVM",
     "Failed",
     {{ConditionType::kStalled, "True/RestoreOfNewVM"}}},
    {"RestoreOfStoppedTarget",
     [](VmWorld& w) {
       w.boot();
       w.edit().power = PowerState::kStopped;
       w.run();
       w.succeed();
       ask_restore(w, 1, "vm-uid");
     },
     "Stopped",
     "True/StoppedAsRequested",
     "InProgress",
     {{ConditionType::kRestoreSucceeded, "Unknown/TargetStopped"}}},
    {"ShimLost",
     [](VmWorld& w) {
       w.boot();
       w.live = Live::kShimLost;
       w.run();
     },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kSnapshotSupported, "False/ShimLost"}}},
    {"BlockDrainMissing",
     [](VmWorld& w) {
       w.node.programs[0].no_snapshot = Reason::kBlockDrainMissing;
       w.boot();
     },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kSnapshotSupported, "False/BlockDrainMissing"}}},
    {"RecordDrifted",
     [](VmWorld& w) {
       w.boot();
       ask_restore(w, 1, "vm-uid");
       w.succeed();
       w.record->config.cpu = 7;
       w.run();
     },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kResourcesInherited, "False/RecordDrifted"}}},
    {"SnapshotBeingTaken",
     [](VmWorld& w) {
       w.boot();
       w.running = engine::InFlight{Kind::kSnapshot, "Dump", w.now, 0, "s"};
       w.live = Live::kPaused;
       w.run();
     },
     "Running",
     "True/Running",
     "Current",
     {{ConditionType::kRunning, "True/Running"}}},
    {"Deleting",
     [](VmWorld& w) {
       w.boot();
       w.vm.meta.deleted_at = w.now;
       w.run();
     },
     "Stopping",
     "False/Deleting",
     "Terminating",
     {}},
};

TEST_P(Table, SaysSo) {
  VmWorld w;
  GetParam().get_there(w);
  EXPECT_EQ(w.phase(), GetParam().phase);
  EXPECT_EQ(w.condition(ConditionType::kReady), GetParam().ready);
  EXPECT_EQ(w.kstatus(), GetParam().kstatus);
  for (const auto& [type, said] : GetParam().others)
    EXPECT_EQ(w.condition(type), said) << to_string(type);
  EXPECT_EQ(w.vm.status.observed_generation, w.vm.meta.generation);
  EXPECT_EQ(w.vm.status.node_name, "node-a");
  for (const auto& condition : w.vm.status.conditions) {
    EXPECT_EQ(condition.observed_generation, w.vm.meta.generation);
    EXPECT_FALSE(condition.reason.empty());
  }
  // And it stays so.
  w.now += seconds{1};
  const VmPlan again = w.look();
  EXPECT_FALSE(again.status);
  EXPECT_FALSE(again.request);
  EXPECT_FALSE(again.finalizer);
}

INSTANTIATE_TEST_SUITE_P(Rows, Table, testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

TEST(VmStatus, ConfigAndProvenanceAreWhatWasReadBack) {
  VmWorld w;
  w.vm.spec.wish.cpu = 4;
  w.run();
  EXPECT_FALSE(w.vm.status.config) << "nothing runs yet";
  w.succeed();
  ASSERT_TRUE(w.vm.status.config);
  EXPECT_EQ(w.vm.status.config->cpu, 4U);
  EXPECT_EQ(w.vm.status.provenance->cpu, model::Source::kSpec);
  EXPECT_EQ(w.vm.status.provenance->memory, model::Source::kDefault);
  EXPECT_EQ(w.vm.status.config->image_digest, "sha256:image");
  EXPECT_EQ(w.vm.status.hypervisor->name, "CloudHypervisor");
  // Not what the record claims, but what runs.
  w.read_back->cpu = 9;
  w.run();
  EXPECT_EQ(w.vm.status.config->cpu, 9U);
}

TEST(VmStatus, ARestoreSaysWhereEachValueIsFrom) {
  VmWorld w;
  w.boot();
  ask_restore(w, 1, "vm-uid");
  EXPECT_EQ(w.vm.status.restore->result, api::RestoreVerdict::kInProgress);
  w.succeed();
  EXPECT_EQ(w.vm.status.restore->result, api::RestoreVerdict::kSucceeded);
  EXPECT_EQ(w.vm.status.restore->attempt, 1U);
  EXPECT_EQ(w.vm.status.config->cpu, 3U);
  EXPECT_EQ(w.vm.status.provenance->cpu, model::Source::kSnapshot);
  EXPECT_EQ(w.vm.status.provenance->network, model::Source::kVirtualMachine);
  EXPECT_EQ(w.vm.status.inherited_from->snapshot, "snap");
  EXPECT_EQ(w.vm.status.inherited_from->manifest_digest, digest_of("snap-uid"));
}

TEST(VmStatus, AShrunkDiskIsDriftThatNoRestartClearsAndIsToldOnce) {
  using model::operator""_GiB;
  VmWorld w;
  w.boot();
  w.events.clear();
  w.edit().wish.storage = 5_GiB;
  w.run();
  ASSERT_EQ(w.vm.status.spec_drift.size(), 1U);
  EXPECT_EQ(w.vm.status.spec_drift[0],
            (model::Drift{"storage", "5Gi", "10Gi",
                          model::Drift::ClearedBy::kRecreate}));
  EXPECT_EQ(w.condition(ConditionType::kRestartRequired), "-");
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
  ASSERT_EQ(w.events.size(), 1U);
  EXPECT_TRUE(w.events[0].warning);
  EXPECT_EQ(w.events[0].reason, "StorageShrink");
  EXPECT_NE(w.events[0].message.find("5Gi"), std::string::npos);
  w.events.clear();
  w.edit().restart_attempt = 1;
  w.run();
  w.succeed();
  for (const Note& note : w.events) EXPECT_NE(note.reason, "StorageShrink");
  EXPECT_EQ(w.vm.status.spec_drift.size(), 1U);
}

// An older version recorded what was asked for, and the guest is another.
TEST(VmStatus, ADriftedRecordIsToldUntilARestoreHealsIt) {
  VmWorld w;
  w.boot();
  ask_restore(w, 1, "vm-uid");
  w.succeed();
  ASSERT_EQ(w.condition(ConditionType::kResourcesInherited), "True/Inherited");
  EXPECT_TRUE(w.vm.status.spec_drift.empty());
  w.events.clear();
  const model::VmConfig runs = w.record->config;
  auto drifted = std::make_shared<store::VmRecord>(*w.record);
  drifted->config.cpu = 7;
  drifted->config.memory = {uint64_t{7} << 30};
  drifted->config.nics = 2;
  w.record = drifted;
  w.run();
  EXPECT_EQ(w.vm.status.config, runs) << "what was read back";
  using By = model::Drift::ClearedBy;
  const std::vector<model::Drift> told = {
      {"cpu", "7", "3", By::kRestore},
      {"memory", "7Gi", "1Gi", By::kRestore},
      {"nics", "2", "1", By::kRestore}};
  EXPECT_EQ(w.vm.status.spec_drift, told);
  EXPECT_EQ(w.condition(ConditionType::kResourcesInherited),
            "False/RecordDrifted");
  EXPECT_EQ(w.condition(ConditionType::kRestartRequired), "-");
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
  ASSERT_EQ(w.events.size(), 1U);
  EXPECT_TRUE(w.events[0].warning);
  EXPECT_EQ(w.events[0].reason, "RecordDrifted");
  EXPECT_NE(w.events[0].message.find(
                "recorded is cpu 7 (runs with 3), memory 7Gi (runs with 1Gi), "
                "nics 2 (runs with 1); the next restore"),
            std::string::npos)
      << w.events[0].message;
  w.new_agent();
  w.run();
  EXPECT_EQ(w.events.size(), 1U) << "told once";
  // The count of NICs is that of the VM, not of its record.
  ask_restore(w, 2, "vm-uid");
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "True/Succeeded");
  EXPECT_TRUE(w.vm.status.spec_drift.empty());
  EXPECT_EQ(w.condition(ConditionType::kResourcesInherited), "True/Inherited");
  EXPECT_EQ(w.record->config, runs);
}

// The record is made for what comes while what was still runs.
TEST(VmStatus, WhatIsOnItsWayIsNoDrift) {
  VmWorld w;
  w.boot();
  ask_restore(w, 1, "vm-uid");
  w.succeed();
  w.edit().restart_attempt = 1;
  w.run();
  ASSERT_TRUE(w.running);
  auto coming = std::make_shared<store::VmRecord>(*w.record);
  coming->config.cpu = 7;
  w.record = coming;
  w.events.clear();
  w.run();
  EXPECT_TRUE(w.vm.status.spec_drift.empty());
  EXPECT_EQ(w.condition(ConditionType::kResourcesInherited), "True/Inherited");
  for (const Note& note : w.events) EXPECT_NE(note.reason, "RecordDrifted");
}

TEST(VmStatus, SpecEditsAreDriftUntilTheNextColdBoot) {
  VmWorld w;
  w.boot();
  w.edit().wish.cpu = 4;
  w.run();
  ASSERT_EQ(w.vm.status.spec_drift.size(), 1U);
  EXPECT_EQ(w.vm.status.spec_drift[0],
            (model::Drift{"cpu", "4", "2", model::Drift::ClearedBy::kRestart}));
  EXPECT_EQ(w.asked.size(), 1U) << "an edit does nothing by itself";
  w.edit().restart_attempt = 1;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kRestart);
  EXPECT_EQ(w.phase(), "Starting");
  w.succeed();
  EXPECT_TRUE(w.vm.status.spec_drift.empty());
  EXPECT_EQ(w.condition(ConditionType::kRestartRequired), "-");
  EXPECT_EQ(w.vm.status.config->cpu, 4U);
  EXPECT_EQ(w.vm.status.restart_attempt, 1U);
}

TEST(VmStatus, AConditionKeepsItsTimeWhileItsStatusStays) {
  VmWorld w;
  w.boot();
  const Wall ready_since =
      api::find_condition(w.vm.status.conditions, ConditionType::kReady)
          ->last_transition;
  w.now += seconds{100};
  w.edit().wish.cpu = 4;
  w.run();
  EXPECT_EQ(api::find_condition(w.vm.status.conditions, ConditionType::kReady)
                ->last_transition,
            ready_since);
  EXPECT_EQ(api::find_condition(w.vm.status.conditions,
                                ConditionType::kRestartRequired)
                ->last_transition,
            std::chrono::floor<seconds>(w.now));
}

TEST(VmStatus, IsReadyInThreeWritesOfTheAgent) {
  VmWorld w;
  w.vm.status = {};
  w.vm.status.node_name = "node-a";  // the controller's write
  w.boot();
  EXPECT_EQ(w.finalizer_writes, 1);
  EXPECT_EQ(w.status_writes, 2);
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
  for (int n = 0; n < 100; ++n) {
    w.now += seconds{60};
    EXPECT_FALSE(w.step()) << "idle: nothing is written";
  }
}

TEST(VmStatus, OrderOfListsIsNoDifference) {
  VmWorld w;
  w.boot();
  std::reverse(w.vm.status.conditions.begin(), w.vm.status.conditions.end());
  EXPECT_FALSE(w.step());
  w.vm.status.conditions[0].message = "tampered";
  EXPECT_TRUE(w.step());
}

TEST(VmStatus, TellsAtMostTwoEventsATransition) {
  VmWorld w;
  w.boot();
  ASSERT_EQ(w.events.size(), 2U);
  EXPECT_EQ(w.events[0].reason, "Starting");
  EXPECT_FALSE(w.events[0].warning);
  EXPECT_EQ(w.events[1].reason, "Running");
  w.events.clear();
  w.vm.spec.restart_policy = RestartPolicy::kNever;
  w.guest_ends(false, 1);
  w.snapshot = make_snapshot("snap", "snap-uid", "another-vm");
  api::RestoreSpec restore;
  restore.snapshot = "snap";
  restore.allow_foreign = true;
  w.events.clear();
  w.edit().restore = restore;
  w.run();
  ASSERT_EQ(w.events.size(), 2U);
  EXPECT_EQ(w.events[0].reason, "ForeignRestore");
  w.events.clear();
  w.fail(Reason::kHypervisorMismatch, true, "no");
  ASSERT_EQ(w.events.size(), 2U);
  EXPECT_TRUE(w.events[1].warning);
  EXPECT_EQ(w.events[1].action, "Restore");
}

}  // namespace
}  // namespace chrysalis::reconcile
