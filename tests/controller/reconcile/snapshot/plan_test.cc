#include "controller/reconcile/snapshot/plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/api/objects/codec.h"
#include "controller/reconcile/words.h"
#include "tests/controller/reconcile/stored.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using engine::Reason;

constexpr Wall kStart{seconds{1'800'000'000}};

api::SnapshotStatus as_stored(const api::SnapshotStatus& status) {
  api::VmSnapshot written;
  written.meta.ns = "ns";
  written.meta.name = "snap";
  written.spec.virtual_machine = "vm";
  written.status = status;
  return stored_and_read(
      written, [](const auto& json) { return api::decode_snapshot(json); });
}

struct World {
  World() {
    snapshot.meta.ns = "ns";
    snapshot.meta.name = "snap";
    snapshot.meta.uid = "snap-uid";
    snapshot.meta.generation = 1;
    snapshot.status.node_name = "node-a";
    snapshot.spec.virtual_machine = "vm";
    auto source_vm = std::make_shared<api::VirtualMachine>();
    source_vm->meta.uid = "vm-uid";
    source = source_vm;
  }

  SnapshotObserved observe() const {
    SnapshotObserved out;
    out.snapshot = std::make_shared<api::VmSnapshot>(snapshot);
    out.view = view;
    out.source = source;
    out.source_view.uid = "vm-uid";
    out.source_view.live = live;
    out.source_view.running = vm_flight;
    out.node = {"node-a", "chrysalis.dev/node-a", "net-a", {}};
    out.memory = memory;
    return out;
  }
  SnapshotPlan look() const { return plan(observe(), now); }

  bool step() {
    SnapshotPlan p = look();
    memory = p.memory;
    EXPECT_LE(p.events.size(), 2U);
    if (p.finalizer) {
      EXPECT_FALSE(p.request || p.status);
      if (*p.finalizer == Finalizer::kAdd)
        snapshot.meta.finalizers = {"chrysalis.dev/node-a"};
      else
        snapshot.meta.finalizers.clear();
      return true;
    }
    if (p.request) {
      in_flight = p.request;
      lane = p.lane;
      asked.push_back(kind_of(*p.request));
      const engine::InFlight flight{asked.back(), "Queued", now, 0, "snap-uid"};
      // As the engine does: a capture is seen in the VM's lane first.
      (asked.back() == Kind::kSnapshot ? vm_flight : view.running) = flight;
    }
    if (p.status) {
      ++writes;
      snapshot.status = as_stored(*p.status);
    }
    return p.request || p.status;
  }
  void run() {
    for (int n = 0; n < 20; ++n)
      if (!step()) return;
    ADD_FAILURE() << "20 plans and no rest";
  }
  void end(Reason reason, bool refused = false) {
    now += milliseconds{1'500};
    engine::Outcome outcome;
    outcome.kind = asked.back();
    outcome.ok = reason == Reason::kNone;
    outcome.reason = reason;
    outcome.refused = refused;
    outcome.finished = now;
    view.last = outcome;
    vm_flight.reset();
    view.running.reset();
    if (outcome.ok) take_effect();
    run();
  }
  void take_effect() {
    if (asked.back() == Kind::kDeleteSnapshot) {
      view.record.reset();
      view.ready = false;
      return;
    }
    auto record = std::make_shared<store::SnapshotRecord>();
    record->uid = "snap-uid";
    record->source_uid = asked.back() == Kind::kImport ? "" : "vm-uid";
    record->config.cpu = 3;
    record->config.memory = {uint64_t{3} << 30};
    record->config.storage = {uint64_t{30} << 30};
    record->config.nics = 2;
    record->config.queue_size = 128;
    record->config.disk_queue_size = 64;
    record->config.image = "ubuntu-24.04";
    record->config.image_digest = "sha256:i";
    record->config.image_type = "disk";
    record->config.hypervisor = model::Hypervisor::kFirecracker;
    record->config.network = "blue";
    record->memory_bytes = 5 << 20;
    record->disk_bytes = 6 << 20;
    record->pause_ms = 7;
    record->manifest_digest = "sha256:m";
    record->captured_at = now;
    record->vmm = {"v1.16.1", "sha", "11.0.0"};
    record->cpu_model = "EPYC";
    record->host_kernel = "6.1.0";
    view.record = record;
    view.ready = true;
  }
  std::string condition(ConditionType type) const {
    const auto* found = api::find_condition(snapshot.status.conditions, type);
    if (found == nullptr) return "-";
    return (found->status == api::Truth::kTrue    ? "True/"
            : found->status == api::Truth::kFalse ? "False/"
                                                  : "Unknown/") +
           found->reason;
  }

  api::VmSnapshot snapshot;
  std::shared_ptr<const api::VirtualMachine> source;
  engine::SnapshotView view;
  Live live = Live::kRunning;
  std::optional<engine::InFlight> vm_flight;
  Memory memory;
  Wall now = kStart;
  std::vector<Kind> asked;
  std::optional<engine::Request> in_flight;
  std::string lane;
  int writes = 0;
};

TEST(SnapshotPlan, IsTakenInTheLaneOfItsVmAndTellsAll) {
  World w;
  w.run();
  ASSERT_EQ(w.asked, std::vector{Kind::kSnapshot});
  EXPECT_EQ(w.lane, "vm-uid");
  const auto& request = std::get<engine::SnapshotRequest>(*w.in_flight);
  EXPECT_EQ(request.snapshot_uid, "snap-uid");
  EXPECT_EQ(w.snapshot.status.phase, api::SnapshotPhase::kCapturing);
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/Capturing");
  EXPECT_EQ(w.condition(ConditionType::kReconciling), "True/Capturing");
  w.end(Reason::kNone);
  const api::SnapshotStatus& status = w.snapshot.status;
  EXPECT_EQ(status.phase, api::SnapshotPhase::kReady);
  EXPECT_EQ(status.ready_to_use, true);
  EXPECT_EQ(status.node_name, "node-a");
  EXPECT_EQ(status.source_uid, "vm-uid");
  EXPECT_EQ(status.snapshot_id, "snap-uid");
  EXPECT_EQ(status.config, w.view.record->config) << "the whole topology";
  EXPECT_EQ(status.size->memory, model::Bytes{5 << 20});
  EXPECT_EQ(status.size->disk, model::Bytes{6 << 20});
  EXPECT_EQ(status.pause_milliseconds, 7U);
  EXPECT_EQ(status.manifest_digest, "sha256:m");
  EXPECT_EQ(status.hypervisor->name, "Firecracker");
  EXPECT_EQ(status.hypervisor->version, "v1.16.1");
  EXPECT_EQ(status.hypervisor->binary_sha256, "sha");
  EXPECT_EQ(status.hypervisor->format, "11.0.0");
  EXPECT_EQ(status.host->cpu_model, "EPYC");
  EXPECT_EQ(status.host->kernel, "6.1.0");
  EXPECT_EQ(status.captured_at, std::chrono::floor<seconds>(w.now));
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Captured");
  EXPECT_EQ(w.condition(ConditionType::kReconciling), "-");
  EXPECT_EQ(w.writes, 2);
}

TEST(SnapshotPlan, IsNeverTakenAgain) {
  World w;
  w.run();
  w.end(Reason::kNone);
  w.memory = {};
  w.source.reset();
  w.live = Live::kAbsent;
  w.run();
  EXPECT_EQ(w.asked.size(), 1U);
  EXPECT_EQ(w.writes, 2);
  // Its files are gone: said, not taken anew under the same name.
  w.view = {};
  w.run();
  EXPECT_EQ(w.asked.size(), 1U);
  EXPECT_EQ(w.condition(ConditionType::kStalled), "True/SnapshotNotFound");
}

TEST(SnapshotPlan, WaitsForItsSource) {
  World w;
  const auto source = w.source;
  w.source.reset();
  w.run();
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/SourceNotFound");
  EXPECT_EQ(w.snapshot.status.phase, api::SnapshotPhase::kPending);
  EXPECT_TRUE(w.look().wake_at);
  w.source = source;
  for (const auto live : {Live::kAbsent, Live::kStarting, Live::kStopping,
                          Live::kStopped, Live::kEnded}) {
    w.live = live;
    w.run();
    EXPECT_EQ(w.condition(ConditionType::kReady), "False/SourceNotRunning");
    EXPECT_EQ(w.condition(ConditionType::kReconciling),
              "True/SourceNotRunning");
  }
  EXPECT_EQ(w.writes, 2);
  // Busy with something else: nothing new to say.
  w.live = Live::kRunning;
  w.vm_flight = engine::InFlight{Kind::kSnapshot, "Dump", w.now, 0, "another"};
  w.run();
  EXPECT_EQ(w.writes, 2);
  EXPECT_TRUE(w.asked.empty());
  w.vm_flight.reset();
  w.live = Live::kPaused;
  w.run();
  EXPECT_EQ(w.asked.size(), 1U);
}

class SnapshotReasons : public testing::TestWithParam<int> {};

TEST_P(SnapshotReasons, IsTerminalOrTriedAgain) {
  const auto reason = static_cast<Reason>(GetParam());
  const bool terminal = retry_of(reason) == Retry::kNever;
  World w;
  w.run();
  w.end(reason, true);
  const std::string name(to_string(reason));
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/" + name);
  EXPECT_EQ(w.condition(ConditionType::kStalled),
            terminal ? "True/" + name : "-");
  EXPECT_EQ(w.condition(ConditionType::kReconciling),
            terminal ? "-" : "True/" + name);
  EXPECT_EQ(w.asked.size(), 1U);
  const int writes = w.writes;
  if (terminal) {
    EXPECT_FALSE(w.look().wake_at);
    // Another agent does not pause the guest once more.
    w.memory = {};
    w.now += seconds{3600};
    w.run();
    EXPECT_EQ(w.asked.size(), 1U);
  } else {
    w.now = *w.look().wake_at;
    w.run();
    EXPECT_EQ(w.asked.size(), 2U);
    w.end(reason, true);
  }
  EXPECT_EQ(w.writes, writes) << "nothing flaps";
}

INSTANTIATE_TEST_SUITE_P(
    All, SnapshotReasons,
    testing::Range(1, static_cast<int>(engine::kLastReason) + 1),
    [](const auto& r) {
      return std::string(to_string(static_cast<Reason>(r.param)));
    });

TEST(SnapshotPlan, TheTerminalReasonsOfACapture) {
  for (const auto reason :
       {Reason::kSnapshotUnsupported, Reason::kBlockDrainMissing,
        Reason::kKvmNestedStateUnavailable, Reason::kPauseBudgetExceeded,
        Reason::kCorrupt})
    EXPECT_EQ(retry_of(reason), Retry::kNever);
  for (const auto reason : {Reason::kSourceNotRunning, Reason::kNicSwapPending,
                            Reason::kInterrupted})
    EXPECT_EQ(retry_of(reason), Retry::kSoon);
}

TEST(SnapshotPlan, ImportsItsDirectoryInItsOwnLane) {
  World w;
  w.snapshot.spec.virtual_machine.clear();
  w.snapshot.spec.directory = api::DirectorySource{"node-a", "dir"};
  w.source.reset();
  w.run();
  EXPECT_EQ(w.lane, "snap-uid");
  EXPECT_EQ(std::get<engine::ImportRequest>(*w.in_flight).directory, "dir");
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/Importing");
  w.end(Reason::kNone);
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Imported");
  EXPECT_EQ(w.snapshot.status.source_uid, "");
}

TEST(SnapshotPlan, DeletionWaitsForTheCaptureAndForHolds) {
  World w;
  w.run();
  w.snapshot.meta.deleted_at = w.now;
  w.source.reset();
  w.run();
  EXPECT_EQ(w.asked.size(), 1U) << "it is being captured";
  EXPECT_FALSE(w.snapshot.meta.finalizers.empty());
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/Deleting");
  w.end(Reason::kNone);
  EXPECT_EQ(w.asked.back(), Kind::kDeleteSnapshot);
  EXPECT_EQ(w.lane, "snap-uid");
  w.end(Reason::kSnapshotHeld, true);
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/SnapshotHeld");
  EXPECT_FALSE(w.snapshot.meta.finalizers.empty());
  w.now = *w.look().wake_at;
  w.run();
  w.end(Reason::kNone);
  EXPECT_TRUE(w.snapshot.meta.finalizers.empty());
  EXPECT_FALSE(w.step());
}

TEST(SnapshotPlan, RetainsOnlyWhatIsReadyAndAsked) {
  for (const bool retain : {false, true}) {
    World w;
    w.snapshot.spec.deletion_policy =
        retain ? api::DeletionPolicy::kRetain : api::DeletionPolicy::kDelete;
    w.run();
    w.end(Reason::kNone);
    w.snapshot.meta.deleted_at = w.now;
    w.run();
    EXPECT_EQ(std::get<engine::DeleteSnapshotRequest>(*w.in_flight).retain,
              retain);
  }
}

TEST(SnapshotPlan, DeletedBeforeAnythingWasMade) {
  World w;
  w.source.reset();
  w.run();
  w.snapshot.meta.deleted_at = w.now;
  w.run();
  EXPECT_TRUE(w.asked.empty());
  EXPECT_TRUE(w.snapshot.meta.finalizers.empty());
}

TEST(SnapshotPlan, LeavesAloneWhatIsNotOurs) {
  World w;
  w.snapshot.status.node_name = "node-b";
  EXPECT_FALSE(w.step());
}

}  // namespace
}  // namespace chrysalis::reconcile
