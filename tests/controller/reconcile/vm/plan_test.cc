#include "controller/reconcile/vm/plan.h"

#include <gtest/gtest.h>

#include "tests/controller/reconcile/vm/world.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using engine::Reason;
using model::PowerState;
using model::RestartPolicy;

template <class T>
const T& request(const VmWorld& w) {
  return std::get<T>(*w.in_flight);
}

// ---- whose it is, finalizer, deletion

TEST(VmPlan, LeavesAloneWhatIsNotOurs) {
  VmWorld w;
  w.vm.status.node_name = "node-b";
  EXPECT_FALSE(w.step());
  w.vm.status.node_name = "";
  EXPECT_FALSE(w.step()) << "not placed yet";
}

// Its state is not known yet: telling one would be telling a lie.
TEST(VmPlan, SaysNothingOfWhatTheEngineHasNotLookedAtYet) {
  VmWorld w;
  w.boot();
  w.live = Live::kAbsent;
  VmObserved observed = w.observe();
  observed.view.adopting = true;
  for (const bool deleted : {false, true}) {
    auto vm = *observed.vm;
    if (deleted) vm.meta.deleted_at = w.now;
    observed.vm = std::make_shared<api::VirtualMachine>(vm);
    const VmPlan told = plan(observed, w.now);
    EXPECT_FALSE(told.request || told.status || told.finalizer);
  }
}

TEST(VmPlan, PutsAWipedStatusBackWhereOurFinalizerStands) {
  VmWorld w;
  w.boot();
  const api::VmStatus before = w.vm.status;
  w.lose_status();
  w.run();
  EXPECT_EQ(w.vm.status.node_name, "node-a");
  EXPECT_EQ(w.vm.status.provenance, before.provenance);
  EXPECT_EQ(w.asked.size(), 1U) << "the VM is not booted again";
}

TEST(VmPlan, PutsTheFinalizerBeforeAnythingElse) {
  VmWorld w;
  const VmPlan plan = w.look();
  EXPECT_EQ(plan.finalizer, Finalizer::kAdd);
  EXPECT_FALSE(plan.request);
  EXPECT_FALSE(plan.status);
}

TEST(VmPlan, NeverPutsAFinalizerOnWhatIsBeingDeleted) {
  VmWorld w;
  w.vm.meta.deleted_at = w.now;
  EXPECT_FALSE(w.step());
}

TEST(VmPlan, DeletesDataThenLetsGo) {
  VmWorld w;
  w.boot();
  w.vm.meta.deleted_at = w.now;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kDeleteVm);
  EXPECT_EQ(w.vm.meta.finalizers.size(), 1U) << "data is still there";
  w.fail(Reason::kVmmUnkillable, false, "pid 7 stays");
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/VmmUnkillable");
  EXPECT_EQ(w.vm.meta.finalizers.size(), 1U);
  w.now += seconds{2};
  w.run();
  w.succeed();
  EXPECT_TRUE(w.vm.meta.finalizers.empty());
  EXPECT_FALSE(w.step());
}

TEST(VmPlan, ADeletionWaitsForWhatIsInFlight) {
  VmWorld w;
  w.run();
  ASSERT_EQ(w.running->kind, Kind::kBoot);
  w.vm.meta.deleted_at = w.now;
  w.run();
  EXPECT_EQ(w.asked.size(), 1U);
  w.succeed();
  EXPECT_EQ(w.asked.back(), Kind::kDeleteVm);
}

TEST(VmPlan, DeletesAtOnceWhatWasNeverMade) {
  VmWorld w;
  w.vm.spec.wish.cpu = 999;  // stalled
  w.run();
  w.vm.meta.deleted_at = w.now;
  w.run();
  EXPECT_TRUE(w.asked.empty());
  EXPECT_TRUE(w.vm.meta.finalizers.empty());
}

// ---- first start

TEST(VmPlan, BootsFromTheImageWithTheAssembledConfig) {
  VmWorld w;
  w.vm.spec.wish.cpu = 4;
  w.vm.spec.power = PowerState::kPaused;
  w.run();
  const auto& boot = request<engine::BootRequest>(w);
  EXPECT_EQ(boot.ns, "ns");
  EXPECT_EQ(boot.name, "vm");
  EXPECT_EQ(boot.config.cpu, 4U);
  EXPECT_EQ(boot.config.memory, model::Bytes{1ULL << 30});
  EXPECT_EQ(boot.config.network, "net-a");
  EXPECT_EQ(boot.power, PowerState::kPaused);
  EXPECT_EQ(boot.restart_attempt, 0U);
}

TEST(VmPlan, WhatTheLawRefusesIsStalledAndNotTried) {
  VmWorld w;
  w.vm.spec.wish.hypervisor = model::Hypervisor::kFirecracker;
  w.vm.spec.wish.cpu = 33;
  w.run();
  EXPECT_TRUE(w.asked.empty());
  EXPECT_EQ(w.condition(ConditionType::kStalled), "True/InvalidSpec");
  EXPECT_EQ(w.kstatus(), "Failed");
  EXPECT_FALSE(w.look().wake_at) << "no hot loop";
  w.edit().wish.cpu = 32;
  w.run();
  EXPECT_EQ(w.asked.size(), 1U);
  EXPECT_EQ(w.condition(ConditionType::kStalled), "-");
}

struct CloneCase {
  const char* name;
  void (*with)(VmWorld&);
  const char *ready, *kstatus;
  bool looks_again;
};
void PrintTo(const CloneCase& c, std::ostream* out) { *out << c.name; }
class CloneWaits : public testing::TestWithParam<CloneCase> {};

void change(VmWorld& w, const std::function<void(api::VmSnapshot&)>& how) {
  auto object = std::make_shared<api::VmSnapshot>(*w.snapshot->object);
  how(*object);
  w.snapshot->object = object;
}

const CloneCase kCloneCases[] = {
    {"NotFound", [](VmWorld& w) { w.snapshot = NamedSnapshot{}; },
     "False/SnapshotNotFound", "InProgress", true},
    {"NotReady", [](VmWorld& w) { w.snapshot->view.ready = false; },
     "False/SnapshotNotReady", "InProgress", false},
    {"NotPlaced",
     [](VmWorld& w) { change(w, [](auto& s) { s.status.node_name.clear(); }); },
     "False/SnapshotNotReady", "InProgress", true},
    {"HasFailed",
     [](VmWorld& w) {
       w.snapshot->view.ready = false;
       change(w, [](auto& s) {
         s.status.conditions.push_back(
             {"Stalled", api::Truth::kTrue, "Corrupt", "", 1, kStart});
       });
     },
     "False/SnapshotNotReady", "InProgress", false},
    {"BeingDeleted",
     [](VmWorld& w) { change(w, [](auto& s) { s.meta.deleted_at = kStart; }); },
     "False/SnapshotNotReady", "InProgress", false},
    {"OtherNode",
     [](VmWorld& w) {
       change(w, [](auto& s) { s.status.node_name = "node-b"; });
     },
     "False/SnapshotOnOtherNode", "Failed", true},
    {"OtherContents",
     [](VmWorld& w) { w.vm.spec.clone->manifest_digest = digest_of("x"); },
     "False/DigestMismatch", "Failed", false},
    {"SetsCpu", [](VmWorld& w) { w.vm.spec.wish.cpu = 3; }, "False/InvalidSpec",
     "Failed", false},
    {"SetsCpuToTheSnapshotsOwn", [](VmWorld& w) { w.vm.spec.wish.cpu = 3; },
     "False/InvalidSpec", "Failed", false},
    {"SetsCpuOfASnapshotThatIsNotThere",
     [](VmWorld& w) {
       w.vm.spec.wish.cpu = 3;
       w.snapshot = NamedSnapshot{};
     },
     "False/InvalidSpec", "Failed", false},
    {"SetsCpuInsideTheRequest",
     [](VmWorld& w) { w.vm.spec.clone->declared = {{"cpu", int64_t{3}}}; },
     "False/InvalidSpec", "Failed", false},
    {"NamesAnImageToo", [](VmWorld& w) { w.vm.spec.wish.image = "tick"; },
     "False/InvalidSpec", "Failed", false},
    {"OtherHypervisor",
     [](VmWorld& w) {
       w.vm.spec.wish.hypervisor = model::Hypervisor::kFirecracker;
     },
     "False/InvalidSpec", "Failed", false},
    {"ItsConfigBreaksARule",
     [](VmWorld& w) {
       auto record =
           std::make_shared<store::SnapshotRecord>(*w.snapshot->view.record);
       record->config.cpu = 0;
       w.snapshot->view.record = record;
     },
     "False/InvalidConfig", "Failed", false},
    {"OnDemandOnFirecracker",
     [](VmWorld& w) {
       w.vm.spec.clone->on_demand = true;
       auto record =
           std::make_shared<store::SnapshotRecord>(*w.snapshot->view.record);
       record->config.hypervisor = model::Hypervisor::kFirecracker;
       w.snapshot->view.record = record;
     },
     "False/OnDemandUnsupported", "Failed", false},
};

TEST_P(CloneWaits, AndGoesOnWhenItCan) {
  VmWorld w;
  w.vm.spec.wish = {};
  w.vm.spec.clone = api::CloneSource{"snap", false, ""};
  w.snapshot = make_snapshot("snap", "snap-uid", "other-vm");
  GetParam().with(w);
  w.run();
  EXPECT_TRUE(w.asked.empty());
  EXPECT_EQ(w.condition(ConditionType::kReady), GetParam().ready);
  EXPECT_EQ(w.kstatus(), GetParam().kstatus);
  EXPECT_EQ(w.look().wake_at.has_value(), GetParam().looks_again);
  // Without the hindrance it is cloned.
  w.snapshot = make_snapshot("snap", "snap-uid", "other-vm");
  w.edit().wish = {};
  w.vm.spec.clone = api::CloneSource{"snap", true, digest_of("snap-uid")};
  w.run();
  ASSERT_EQ(w.asked.size(), 1U);
  const auto& clone = request<engine::CloneRequest>(w);
  EXPECT_EQ(clone.snapshot_uid, "snap-uid");
  EXPECT_TRUE(clone.on_demand);
  EXPECT_EQ(clone.manifest_digest, digest_of("snap-uid"));
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
  EXPECT_EQ(w.condition(ConditionType::kResourcesInherited), "True/Inherited");
  EXPECT_EQ(w.vm.status.config->cpu, 3U);
}

INSTANTIATE_TEST_SUITE_P(All, CloneWaits, testing::ValuesIn(kCloneCases),
                         [](const auto& c) { return c.param.name; });

TEST(VmPlan, ASnapshotThatCannotBeLookedUpIsWaitedFor) {
  VmWorld w;
  w.vm.spec.wish = {};
  w.vm.spec.clone = api::CloneSource{"snap", false, ""};
  w.run();
  VmObserved observed = w.observe();
  observed.snapshot.reset();
  const VmPlan plan = reconcile::plan(observed, w.now);
  EXPECT_FALSE(plan.request);
  EXPECT_TRUE(plan.wake_at);
}

TEST(VmPlan, AStagedCloneIsStartedAsItIsRecorded) {
  VmWorld w;
  w.vm.spec.wish = {};
  w.vm.spec.clone = api::CloneSource{"snap", false, ""};
  w.vm.spec.power = PowerState::kStopped;
  w.snapshot = make_snapshot("snap", "snap-uid", "other-vm");
  w.run();
  w.succeed();
  EXPECT_EQ(w.phase(), "Stopped");
  EXPECT_EQ(w.vm.status.config->cpu, 3U);
  w.edit().power = PowerState::kRunning;
  w.vm.spec.wish.queue_size = 256;  // of the next cold boot, not of the load
  w.run();
  EXPECT_EQ(request<engine::StartRequest>(w).config.queue_size, 512U);
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
}

// ---- every reason that an operation may end with

class BootReasons : public testing::TestWithParam<int> {};

TEST_P(BootReasons, OfAFailedBootIsToldAndTriedAsOftenAsItMay) {
  const auto reason = static_cast<Reason>(GetParam());
  VmWorld w;
  w.run();
  w.fail(reason, true, "because");
  const std::string name(to_string(reason));
  const Retry retry = retry_of(reason);
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/" + name);
  EXPECT_EQ(w.kstatus(), retry == Retry::kSoon ? "InProgress" : "Failed");
  const auto wake_at = w.look().wake_at;
  ASSERT_EQ(wake_at.has_value(), retry != Retry::kNever);
  const int writes = w.status_writes;
  w.step();
  EXPECT_EQ(w.asked.size(), 1U) << "not before its time";
  if (!wake_at) return;
  for (int n = 0; n < 5; ++n) {
    w.now = *w.look().wake_at;
    w.run();
    EXPECT_EQ(w.asked.size(), size_t(n) + 2);
    w.fail(reason, true, "because");
  }
  EXPECT_EQ(w.status_writes, writes) << "tried again in silence";
  w.edit().wish.cpu = 1;
  w.run();
  EXPECT_EQ(w.asked.size(), 7U) << "another spec is tried at once";
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
}

INSTANTIATE_TEST_SUITE_P(
    All, BootReasons,
    testing::Range(1, static_cast<int>(engine::kLastReason) + 1),
    [](const auto& r) {
      return std::string(to_string(static_cast<Reason>(r.param)));
    });

// ---- power

TEST(VmPlan, FollowsThePowerThatIsAsked) {
  VmWorld w;
  w.vm.spec.stop_grace = seconds{7};
  w.boot();
  w.edit().power = PowerState::kPaused;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kPause);
  w.succeed();
  w.edit().power = PowerState::kRunning;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kResume);
  w.succeed();
  w.edit().power = PowerState::kStopped;
  w.run();
  EXPECT_EQ(request<engine::StopRequest>(w).grace, seconds{7});
  w.succeed();
  w.edit().power = PowerState::kPaused;
  w.vm.spec.wish.cpu = 5;
  w.run();
  const auto& start = request<engine::StartRequest>(w);
  EXPECT_EQ(start.power, PowerState::kPaused);
  EXPECT_FALSE(start.by_policy);
  EXPECT_EQ(start.config.cpu, 5U) << "a cold boot takes the spec";
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/PausedAsRequested");
}

TEST(VmPlan, WhatCannotBootAgainIsStalled) {
  VmWorld w;
  w.boot();
  w.edit().wish.cpu = 999;
  w.vm.spec.restart_attempt = 1;
  w.run();
  EXPECT_EQ(w.asked.size(), 1U);
  EXPECT_EQ(w.condition(ConditionType::kStalled), "True/InvalidSpec");
  EXPECT_EQ(w.phase(), "Running");
}

// It was let past every other gate: what nobody asked for anew goes on.
TEST(VmPlan, WhatEndsWithARefusedSpecComesBackByItsRecord) {
  VmWorld w;
  w.boot();
  w.edit().wish.cpu = 7;
  w.vm.spec.restore = api::RestoreSpec{"snap", 1, false, false, ""};
  w.snapshot = make_snapshot("snap", "snap-uid", w.vm.meta.uid);
  w.run();
  EXPECT_EQ(w.condition(ConditionType::kRestoreSucceeded), "False/InvalidSpec");
  EXPECT_EQ(w.asked.size(), 1U);
  w.guest_ends(false, 1);
  w.now += seconds{10};
  w.run();
  EXPECT_EQ(request<engine::StartRequest>(w).config.cpu, w.record->config.cpu);
}

TEST(VmPlan, AColdBootKeepsWhatTheSpecDoesNotName) {
  VmWorld w;
  w.boot();
  w.record->config.cpu = 6;  // restored from a bigger one, say
  w.read_back = w.record->config;
  w.edit().restart_attempt = 1;
  w.run();
  EXPECT_EQ(request<engine::RestartRequest>(w).config.cpu, 6U);
}

// Statement of the law: its numbers are never the defaults again, because its
// spec may not name them.
TEST(VmPlan, AColdBootOfWhatInheritedKeepsTheRecord) {
  VmWorld w;
  w.vm.spec.wish = {};
  w.vm.spec.clone = api::CloneSource{"snap", false, ""};
  w.snapshot = make_snapshot("snap", "snap-uid", "other-vm");
  w.run();
  w.succeed();
  const model::VmConfig inherited = w.record->config;
  const model::VmSources sources = w.record->sources;
  ASSERT_EQ(inherited.cpu, 3U);
  w.edit().restart_attempt = 1;
  w.run();
  EXPECT_EQ(request<engine::RestartRequest>(w).config, inherited);
  EXPECT_EQ(request<engine::RestartRequest>(w).sources, sources);
  w.succeed();
  w.edit().power = PowerState::kStopped;
  w.run();
  w.succeed();
  w.edit().power = PowerState::kRunning;
  w.run();
  EXPECT_EQ(request<engine::StartRequest>(w).config, inherited);
  EXPECT_EQ(request<engine::StartRequest>(w).sources, sources);
  w.succeed();
  EXPECT_EQ(w.vm.status.provenance->cpu, model::Source::kSnapshot);
  // Of an image, after a restore: until its spec names one again.
  VmWorld r;
  r.boot();
  r.snapshot = make_snapshot("snap", "snap-uid", "vm-uid");
  r.edit().restore = api::RestoreSpec{"snap", 1, false, false, ""};
  r.run();
  r.succeed();
  r.edit().restore.reset();
  r.edit().wish.memory = model::Bytes{uint64_t{2} << 30};
  r.edit().restart_attempt = 1;
  r.run();
  const auto& boot = request<engine::RestartRequest>(r);
  EXPECT_EQ(boot.config.cpu, 3U);
  EXPECT_EQ(boot.sources.cpu, model::Source::kSnapshot);
  EXPECT_EQ(boot.config.memory.count, uint64_t{2} << 30);
  EXPECT_EQ(boot.sources.memory, model::Source::kSpec);
}

// ---- restart attempts

TEST(VmPlan, AFirstStartSatisfiesTheAttemptGivenWithIt) {
  VmWorld w;
  w.vm.spec.restart_attempt = 4;
  w.boot();
  EXPECT_EQ(w.asked.size(), 1U);
  EXPECT_EQ(w.vm.status.restart_attempt, 4U);
  w.edit().restart_attempt = 3;
  w.run();
  EXPECT_EQ(w.asked.size(), 1U) << "it only counts up";
  w.edit().restart_attempt = 5;
  w.run();
  EXPECT_EQ(request<engine::RestartRequest>(w).attempt, 5U);
  w.new_agent();
  w.succeed();
  EXPECT_EQ(w.asked.size(), 2U);
}

TEST(VmPlan, AnAttemptOnAStoppedVmWaitsForItsStart) {
  VmWorld w;
  w.boot();
  w.edit().power = PowerState::kStopped;
  w.run();
  w.succeed();
  w.edit().restart_attempt = 1;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStop);
  w.edit().power = PowerState::kRunning;
  w.run();
  EXPECT_EQ(request<engine::StartRequest>(w).restart_attempt, 1U);
  w.succeed();
  EXPECT_EQ(w.asked.size(), 3U) << "one cold boot, not two";
}

TEST(VmPlan, AnAttemptStartsWhatHasFinished) {
  VmWorld w;
  w.vm.spec.restart_policy = RestartPolicy::kNever;
  w.boot();
  w.guest_ends(true);
  EXPECT_EQ(w.phase(), "Succeeded");
  w.edit().restart_attempt = 1;
  w.run();
  EXPECT_FALSE(request<engine::StartRequest>(w).by_policy);
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kFinished), "-");
}

// ---- restart policy

TEST(VmPlan, RestartsByPolicyWithBackOff) {
  VmWorld w;
  w.vm.spec.restart_policy = RestartPolicy::kAlways;
  w.boot();
  for (const int wait : {10, 20, 40}) {
    const Wall ended = w.now;
    w.guest_ends(true);
    EXPECT_EQ(w.condition(ConditionType::kReady), "False/RestartBackOff");
    EXPECT_EQ(w.look().wake_at, ended + seconds{wait});
    w.now = ended + seconds{wait} - milliseconds{1};
    EXPECT_FALSE(w.step());
    w.now = ended + seconds{wait};
    w.run();
    EXPECT_TRUE(request<engine::StartRequest>(w).by_policy);
    w.succeed();
  }
  EXPECT_EQ(w.vm.status.restarts, 3U);
  EXPECT_EQ(w.vm.status.last_exit->reason, "GuestPoweredOff");
  w.now += seconds{600};
  const Wall ended = w.now;
  w.guest_ends(true);
  EXPECT_EQ(w.look().wake_at, ended + seconds{10}) << "it was healthy";
}

TEST(VmPlan, StoppingWhatEndedByItselfMakesItStopped) {
  VmWorld w;
  w.vm.spec.restart_policy = RestartPolicy::kNever;
  w.boot();
  w.guest_ends(false, 1);
  w.edit().power = PowerState::kStopped;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStop);
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/StoppedAsRequested");
  w.edit().power = PowerState::kRunning;
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStart);
}

TEST(VmPlan, AFailedStartIsTriedAgainWithBackOff) {
  VmWorld w;
  w.boot();
  w.guest_ends(false, 1);
  w.now += seconds{10};
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStart);
  w.fail(Reason::kBootFailed, false, "no");
  EXPECT_EQ(w.condition(ConditionType::kReady), "False/BootFailed");
  w.now = *w.look().wake_at;
  w.run();
  EXPECT_EQ(w.asked.size(), 3U);
  w.succeed();
  EXPECT_EQ(w.condition(ConditionType::kReady), "True/Running");
}

TEST(VmPlan, AnExitNobodySawIsAFailure) {
  VmWorld w;
  w.boot();
  w.live = Live::kEnded;
  w.read_back.reset();
  w.run();
  EXPECT_EQ(w.asked.back(), Kind::kStart) << "its back-off is long over";
}

}  // namespace
}  // namespace chrysalis::reconcile
