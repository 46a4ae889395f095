// The whole road once, in each world and on each hypervisor: the same objects,
// the same words, the same end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/world/world.h"

namespace chrysalis::e2e {
namespace {

using model::Hypervisor;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct Where {
  const char* name;
  std::unique_ptr<World> (*make)();
};
constexpr Where kWorlds[] = {{"Standalone", make_standalone},
                             {"Cluster", make_cluster}};

class Scenario
    : public testing::TestWithParam<std::tuple<const Where*, Hypervisor>> {
 protected:
  void SetUp() override {
    if (!enter_own_namespaces())
      GTEST_SKIP() << "SKIPPED LOUDLY: needs root, for namespaces and TAPs";
    world_ = std::get<0>(GetParam())->make();
  }

  pid_t vmm_of(const json& object) {
    return world_->host().vmms()[text_at(object, "/metadata/uid")];
  }
  Mark mark_of_snapshot(const std::string& name) {
    const json object = world_->until_ready(snapshot(name));
    return world_->host().mark_in(text_at(object, "/metadata/uid"));
  }
  // What the guest holds in its RAM now: by a snapshot of it.
  Mark mark_of(const std::string& vm) {
    const std::string name = "mark-" + std::to_string(snapshots_.size());
    take_snapshot(name, vm);
    return mark_of_snapshot(name);
  }
  void take_snapshot(const std::string& name, const std::string& vm) {
    world_->apply(snapshot_of(name, vm));
    snapshots_.push_back(snapshot(name));
  }
  [[nodiscard]] bool on_ch() const {
    return std::get<1>(GetParam()) == Hypervisor::kCloudHypervisor;
  }

  void boots();
  void is_snapshotted();
  void is_cloned();
  void refuses_a_clone_that_asks();
  void drifts_when_changed();
  void restarts_as_changed();
  void refuses_a_foreign_restore();
  void is_restored();
  void survives_its_agent();
  void goes_back_to_the_tick();
  void stops_and_starts();
  void goes_without_trace();

  std::unique_ptr<World> world_;
  Manifest app_ = image_vm("app", std::get<1>(GetParam()));
  json app_seen_;  // as it last was
  Mark golden_;
  std::vector<Id> snapshots_;
};

void Scenario::boots() {
  world_->apply(app_);
  app_seen_ = world_->until_phase(app_.id, "Running");
  EXPECT_EQ(condition(app_seen_, "Running"), "True/Running");
  EXPECT_EQ(condition(app_seen_, "Reconciling"), "");
  const json config = at(app_seen_, "/status/config");
  EXPECT_EQ(config.value("cpu", 0), 1);
  EXPECT_EQ(config.value("memory", ""), "64Mi");
  EXPECT_EQ(config.value("storage", ""), "16Mi");
  EXPECT_EQ(config.value("nics", 0), 1);
  EXPECT_EQ(config.value("hypervisor", ""), app_.spec["hypervisor"]);
  const json sources = at(app_seen_, "/status/provenance");
  EXPECT_EQ(sources.value("cpu", ""), "Spec");
  EXPECT_EQ(sources.value("image", ""), "Spec");
  EXPECT_EQ(sources.value("imageDigest", ""), "Generated");
  EXPECT_EQ(sources.value("network", ""), "Default");
  for (const auto& [key, value] : config.items())
    EXPECT_TRUE(sources.contains(key)) << key << " comes from nowhere";
  EXPECT_THAT(at(app_seen_, "/status/interfaces"), SizeIs(1));
  EXPECT_GT(vmm_of(app_seen_), 0);
}

void Scenario::is_snapshotted() {
  const pid_t pid = vmm_of(app_seen_);
  take_snapshot("golden", "app");
  const json golden = world_->until_ready(snapshot("golden"));
  EXPECT_EQ(at(golden, "/status/readyToUse"), true);
  EXPECT_THAT(text_at(golden, "/status/manifestDigest"),
              testing::StartsWith("sha256:"));
  EXPECT_EQ(at(golden, "/status/config"), at(app_seen_, "/status/config"));
  EXPECT_EQ(text_at(golden, "/status/sourceUID"),
            text_at(app_seen_, "/metadata/uid"));
  golden_ = world_->host().mark_in(text_at(golden, "/metadata/uid"));
  EXPECT_EQ(vmm_of(app_seen_), pid);
}

void Scenario::is_cloned() {
  world_->apply(clone_of("copy", "golden"));
  const json copy = world_->until_phase(vm("copy"), "Running");
  EXPECT_EQ(at(copy, "/status/config"), at(app_seen_, "/status/config"));
  for (const char* field : {"cpu", "memory", "storage", "nics", "image"})
    EXPECT_EQ(text_at(copy, std::string("/status/provenance/") + field),
              "Snapshot")
        << field;
  EXPECT_EQ(text_at(copy, "/status/inheritedFrom/snapshot"), "golden");
  EXPECT_EQ(condition(copy, "ResourcesInherited"), "True/Inherited");
  const json mine = at(copy, "/status/interfaces/0");
  const json source = at(app_seen_, "/status/interfaces/0");
  EXPECT_NE(mine.value("mac", ""), source.value("mac", ""));
  // Firecracker's guest keeps the source's, and status says so.
  EXPECT_EQ(mine.value("guestMAC", ""),
            (on_ch() ? mine : source).value("mac", ""));
  const Mark now = mark_of("copy");
  EXPECT_EQ(now.nonce, golden_.nonce) << "booted, not cloned";
  EXPECT_GT(now.counter, golden_.counter);
}

void Scenario::refuses_a_clone_that_asks() {
  Manifest greedy = clone_of("greedy", "golden");
  greedy.spec["resources"]["cpu"] = 1;  // even when equal
  EXPECT_THAT(world_->refusal(greedy),
              HasSubstr("cpu 1: a clone inherits cpu from its snapshot; remove "
                        "spec.resources.cpu"));
  EXPECT_THAT(world_->host().vmms(), SizeIs(2));
}

void Scenario::drifts_when_changed() {
  const pid_t pid = vmm_of(app_seen_);
  app_.spec["resources"]["cpu"] = 2;
  world_->apply(app_);
  const json changed =
      world_->until_condition(app_.id, "RestartRequired", "True/SpecChanged");
  EXPECT_TRUE(is_ready(changed)) << condition(changed, "Ready");
  EXPECT_EQ(at(changed, "/status/config/cpu"), 1);
  const json drift = at(changed, "/status/specDrift");
  ASSERT_THAT(drift, SizeIs(1));
  EXPECT_EQ(drift[0].value("field", ""), "cpu");
  EXPECT_EQ(text_at(drift[0], "/spec"), "2");
  EXPECT_EQ(text_at(drift[0], "/running"), "1");
  EXPECT_EQ(drift[0].value("clearedBy", ""), "Restart");
  EXPECT_EQ(vmm_of(changed), pid);
}

void Scenario::restarts_as_changed() {
  app_.spec["restart"]["attempt"] = 2;
  world_->apply(app_);
  const json again = world_->until(app_.id, [](const json& object) {
    return at(object, "/status/config/cpu") == 2 && is_ready(object);
  });
  EXPECT_EQ(condition(again, "RestartRequired"), "");
  EXPECT_EQ(at(again, "/status/specDrift"), json());
  EXPECT_NE(mark_of("app").nonce, golden_.nonce) << "not booted anew";
}

// A restore that cannot be leaves the VM as it was: the same process.
void Scenario::refuses_a_foreign_restore() {
  const pid_t pid = vmm_of(app_seen_);
  take_snapshot("foreign", "copy");
  world_->until_ready(snapshot("foreign"));
  app_.spec.erase("resources");
  app_.spec["restore"] = {{"snapshot", "foreign"}, {"attempt", 1}};
  world_->apply(app_);
  const json refused = world_->until_condition(app_.id, "RestoreSucceeded",
                                               "False/ForeignSnapshot");
  EXPECT_EQ(text_at(refused, "/status/restore/result"), "Refused");
  EXPECT_EQ(condition(refused, "Stalled"), "True/ForeignSnapshot");
  EXPECT_TRUE(is_ready(refused));
  EXPECT_EQ(at(refused, "/status/config/cpu"), 2);
  EXPECT_EQ(vmm_of(refused), pid);
}

void Scenario::is_restored() {
  // Another snapshot is another attempt, though the first was not used up.
  app_.spec["restore"] = {{"snapshot", "golden"}, {"attempt", 2}};
  world_->apply(app_);
  const json back = world_->until(app_.id, [](const json& object) {
    return condition(object, "RestoreSucceeded") == "True/Succeeded" &&
           is_ready(object);
  });
  EXPECT_EQ(text_at(back, "/status/restore/result"), "Succeeded");
  EXPECT_EQ(condition(back, "Stalled"), "");
  EXPECT_EQ(at(back, "/status/config/cpu"), 1);
  EXPECT_EQ(text_at(back, "/status/provenance/cpu"), "Snapshot");
  EXPECT_EQ(text_at(back, "/status/provenance/network"), "VirtualMachine");
  EXPECT_EQ(text_at(back, "/status/inheritedFrom/snapshot"), "golden");
  EXPECT_EQ(at(back, "/status/interfaces"),
            at(app_seen_, "/status/interfaces"));
  const Mark now = mark_of("app");
  EXPECT_EQ(now.nonce, golden_.nonce) << "not the guest of the snapshot";
  EXPECT_GE(now.counter, golden_.counter);
}

void Scenario::survives_its_agent() {
  app_seen_ = world_->until_ready(app_.id);
  const auto pids = world_->host().vmms();
  const std::string version = world_->version(app_.id);
  world_->kill_agent();
  EXPECT_EQ(world_->host().vmms(), pids);
  world_->start_agent();
  // When the other was worked on, this one was looked at.
  Manifest copy = clone_of("copy", "golden");
  copy.spec["powerState"] = "Paused";
  world_->apply(copy);
  world_->until_phase(copy.id, "Paused");
  EXPECT_EQ(world_->host().vmms(), pids);
  EXPECT_EQ(world_->until_ready(app_.id), app_seen_);
  EXPECT_EQ(world_->version(app_.id), version) << "written, though unchanged";
}

// Restored while paused by its user, it stays paused: not one tick goes by.
void Scenario::goes_back_to_the_tick() {
  app_.spec["powerState"] = "Paused";
  world_->apply(app_);
  const json paused = world_->until_phase(app_.id, "Paused");
  EXPECT_EQ(condition(paused, "Ready"), "True/PausedAsRequested");
  EXPECT_GT(mark_of("app").counter, golden_.counter);
  app_.spec["restore"]["attempt"] = 3;
  world_->apply(app_);
  const json back = world_->until(app_.id, [](const json& object) {
    return at(object, "/status/restore/attempt") == 3 &&
           condition(object, "RestoreSucceeded") == "True/Succeeded";
  });
  EXPECT_EQ(text_at(back, "/status/phase"), "Paused");
  EXPECT_EQ(mark_of("app").counter, golden_.counter);
  app_.spec["powerState"] = "Running";
  world_->apply(app_);
  world_->until_phase(app_.id, "Running");
}

void Scenario::stops_and_starts() {
  app_.spec["powerState"] = "Stopped";
  world_->apply(app_);
  const json stopped = world_->until_phase(app_.id, "Stopped");
  EXPECT_EQ(condition(stopped, "Ready"), "True/StoppedAsRequested");
  EXPECT_EQ(vmm_of(stopped), 0);
  app_.spec["powerState"] = "Running";
  world_->apply(app_);
  const json again = world_->until_phase(app_.id, "Running");
  EXPECT_GT(vmm_of(again), 0);
  EXPECT_EQ(at(again, "/status/interfaces"),
            at(app_seen_, "/status/interfaces"));
}

void Scenario::goes_without_trace() {
  snapshots_.insert(snapshots_.end(), {app_.id, vm("copy")});
  world_->remove(snapshots_);
  EXPECT_THAT(world_->host().leftovers(), IsEmpty());
  EXPECT_EQ(world_->stop_agent(), 0) << world_->logs();
}

TEST_P(Scenario, TheWholeRoad) {
  boots();
  is_snapshotted();
  is_cloned();
  refuses_a_clone_that_asks();
  drifts_when_changed();
  restarts_as_changed();
  refuses_a_foreign_restore();
  is_restored();
  survives_its_agent();
  goes_back_to_the_tick();
  stops_and_starts();
  goes_without_trace();
}

INSTANTIATE_TEST_SUITE_P(
    Worlds, Scenario,
    testing::Combine(testing::Values(&kWorlds[0], &kWorlds[1]),
                     testing::ValuesIn(model::kHypervisors)),
    [](const auto& where) {
      return std::string(std::get<0>(where.param)->name) +
             std::string(to_string(std::get<1>(where.param)));
    });

}  // namespace
}  // namespace chrysalis::e2e
