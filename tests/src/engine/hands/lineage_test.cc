// What a load makes of a VM, by whose the snapshot is: clones, restores of
// another lineage, imports, and records that an older version left wrong.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include <nlohmann/json.hpp>

#include "src/store/record_text.h"
#include "src/store/records.h"
#include "src/store/schema.h"
#include "src/store/sqlite.h"
#include "tests/src/engine/hands/node_fixture.h"

namespace chrysalis::engine {
namespace {

class NodeLineage : public NodeTest {
 protected:
  void write(const char* below, const std::string& text) const {
    std::filesystem::create_directories((root_ / below).parent_path());
    std::ofstream(root_ / below) << text;
  }
  // The database as a program of schema 1 left it, with the members of a VM's
  // row that tests/golden/vm_row_drifted_v1.json gives (null: it had none).
  // REQUIRES: no node is open.
  void leave_drifted_rows(const std::string& uid) const {
    std::ifstream golden(std::string(CHRYSALIS_SOURCE_DIR) +
                         "/tests/golden/vm_row_drifted_v1.json");
    const auto drifted = nlohmann::json::parse(golden, nullptr, false);
    ASSERT_TRUE(drifted.is_object());
    auto db = store::sqlite::Connection::open(root_ / "state/node.db",
                                              SQLITE_OPEN_READWRITE);
    ASSERT_TRUE(db);
    const auto body = db->ask("SELECT body FROM vm WHERE uid = '" + uid + "'");
    ASSERT_TRUE(body);
    auto row = nlohmann::json::parse(*body);
    row.merge_patch(drifted);
    const std::string text = row.dump();
    const std::string key[] = {uid};
    ASSERT_TRUE(db->execute("DROP TABLE verified; PRAGMA user_version = 1"));
    auto update =
        db->prepare("UPDATE vm SET body = ?1, crc = ?2 WHERE uid = ?3");
    ASSERT_TRUE(update);
    update->bind(1, text);
    update->bind(2, store::row_crc("vm", key, text));
    update->bind(3, uid);
    ASSERT_TRUE(update->run());
  }
};

// Storage, boot configuration and pins come with it: no half-mixed lineage.
// Network, namespace and, where it can be given, the MAC stay the target's.
TEST_P(NodeLineage, AForeignSnapshotIsTakenWhereItIsAllowed) {
  const bool swaps = GetParam() == model::Hypervisor::kCloudHypervisor;
  boot("vm-1");
  write("images/other/kernel", "simulated-guest acpi eject\n");
  write("images/other/cmdline", "console=ttyS0 other=1\n");
  auto other = boot_request("vm-2");
  other.config.image = "other";
  other.config.cpu = 2;
  other.config.memory = {uint64_t{80} << 20};
  other.config.storage = {uint64_t{24} << 20};
  ASSERT_TRUE(run("vm-2", other).ok);
  snapshot("vm-2", "snap-2");
  const auto target = *view("vm-1").record;
  const auto theirs = *engine().snapshot("snap-2").record;
  ASSERT_NE(theirs.config.image_digest, target.config.image_digest);

  auto request = restore_to("snap-2");
  request.allow_foreign = true;
  const Outcome outcome = run("vm-1", request);
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  const VmView vm = view("vm-1");
  EXPECT_EQ(vm.live, Live::kRunning);
  EXPECT_EQ(vm.read_back, vm.record->config);
  EXPECT_EQ(vm.record->config, theirs.config);  // both on one network
  for (const auto from :
       {vm.record->sources.cpu, vm.record->sources.storage,
        vm.record->sources.image, vm.record->sources.image_digest})
    EXPECT_EQ(from, model::Source::kSnapshot);
  EXPECT_EQ(vm.record->sources.network, model::Source::kVirtualMachine);
  EXPECT_EQ(vm.record->sources.nics, model::Source::kVirtualMachine);
  EXPECT_EQ(vm.record->cmdline, "console=ttyS0 other=1");
  EXPECT_EQ(vm.record->disks, theirs.disks);
  EXPECT_EQ(vm.record->name, "vm-1");
  EXPECT_EQ(vm.record->netns, target.netns);
  EXPECT_EQ(vm.record->unix_uid, target.unix_uid);
  const auto generation =
      node_->paths().generation("vm-1", vm.record->generation);
  EXPECT_TRUE(std::filesystem::equivalent(
      generation.kernel(), node_->paths().snapshot("snap-2") / "kernel"));
  EXPECT_EQ(std::filesystem::file_size(generation.disk(0)), 24U << 20);
  // The MAC of the guest is the target's where one can be given to it.
  const std::string own = target.nics.at(0).mac;
  const std::string guest = swaps ? own : theirs.topology.nics.at(0).mac;
  EXPECT_EQ(vm.nics.at(0).mac, own);
  EXPECT_EQ(vm.nics.at(0).guest_mac, guest);
  // A cold boot keeps all of it.
  RestartRequest restart;
  restart.attempt = 1;
  restart.config = vm.record->config;
  restart.sources = vm.record->sources;
  ASSERT_TRUE(run("vm-1", restart).ok);
  EXPECT_EQ(view("vm-1").read_back, theirs.config);
  EXPECT_EQ(view("vm-1").nics.at(0).mac, own);
  EXPECT_EQ(view("vm-1").nics.at(0).guest_mac, guest);
  snapshot("vm-1", "snap-3");
  const auto after = engine().snapshot("snap-3").record;
  EXPECT_EQ(after->topology.nics.at(0).mac, guest) << "as the VMM says";
  EXPECT_EQ(after->cmdline, "console=ttyS0 other=1");
}

// Its manifest names the very VM; its owner could have written that.
TEST_P(NodeLineage, AnImportIsForeignWhateverItsManifestClaims) {
  boot("vm-1");
  snapshot("vm-1", "snap-12345678");
  const int pid = vmm_pid("vm-1");
  ASSERT_TRUE(run("snap-12345678", DeleteSnapshotRequest{true}).ok);
  ImportRequest import;
  import.ns = "default";
  import.name = "back";
  import.directory = "snap-12345678-snap-123";
  std::ifstream manifest(node_->paths().import("default", import.directory) /
                         "manifest.json");
  const std::string text{std::istreambuf_iterator<char>(manifest), {}};
  ASSERT_THAT(text, testing::HasSubstr(R"("sourceUID":"vm-1")"));
  ASSERT_TRUE(run("snap-9", import).ok);
  const auto record = *view("vm-1").record;
  const Outcome refused = run("vm-1", restore_to("snap-9"));
  EXPECT_TRUE(refused.refused);
  EXPECT_EQ(refused.reason, Reason::kForeignSnapshot);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  EXPECT_EQ(*view("vm-1").record, record);
  auto allowed = restore_to("snap-9");
  allowed.allow_foreign = true;
  const Outcome outcome = run("vm-1", allowed);
  EXPECT_TRUE(outcome.ok) << outcome.message;
}

// As many as the snapshot has, each with a MAC and an id of its own.
TEST_P(NodeLineage, ACloneHasTheSnapshotsNicsAndFreshMacs) {
  const bool swaps = GetParam() == model::Hypervisor::kCloudHypervisor;
  for (const uint32_t nics : {0U, 3U}) {
    SCOPED_TRACE(nics);
    const std::string n = std::to_string(nics);
    auto request = boot_request("vm-" + n);
    request.config.nics = nics;
    request.config.image = "deaf";  // ejects nothing: each swap can be seen
    ASSERT_TRUE(run("vm-" + n, request).ok);
    snapshot("vm-" + n, "snap-" + n);
    auto wish = clone_of("snap-" + n);
    if (swaps) wish.wish.queue_size = 64;
    ASSERT_TRUE(run("copy-" + n, wish).ok);
    const VmView copy = view("copy-" + n);
    EXPECT_EQ(copy.record->config.nics, nics);
    EXPECT_EQ(copy.record->sources.nics, model::Source::kSnapshot);
    EXPECT_EQ(copy.record->ejecting.size(), swaps ? nics : 0U);
    ASSERT_EQ(copy.nics.size(), nics);
    std::set<std::string> macs, ids;
    for (const VmView& vm : {copy, view("vm-" + n)})
      for (const GuestNic& nic : vm.nics) {
        macs.insert(nic.mac);
        ids.insert(nic.id);
      }
    EXPECT_EQ(macs.size(), 2 * nics);
    EXPECT_EQ(ids.size(), swaps ? 2 * nics : nics);
    model::VmConfig expected = view("vm-" + n).record->config;
    if (swaps) expected.queue_size = 64;
    EXPECT_EQ(copy.record->config, expected);
    EXPECT_EQ(copy.read_back, expected) << "the rings that it really has";
  }
}

// What a clone may be given wins over the snapshot; a restore keeps the
// network of its target, also one of another lineage.
TEST_P(NodeLineage, TheNetworkIsTheClonesOwnAndTheTargetsOwn) {
  const bool ch = GetParam() == model::Hypervisor::kCloudHypervisor;
  const auto networks = node_->paths().default_network_root();
  std::filesystem::create_directories(networks);
  std::ofstream(networks / "blue.conflist") << R"({"plugins":[{}]})";
  std::ofstream(networks / "small.conflist") << R"({"plugins":[{"mtu":1300}]})";
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  auto clone = clone_of("snap-1");
  clone.wish.network = "blue";
  if (ch) clone.wish.no_direct_io = true;
  ASSERT_TRUE(run("vm-2", clone).ok);
  const auto made = view("vm-2").record;
  EXPECT_EQ(made->config.network, "blue");
  EXPECT_EQ(made->sources.network, model::Source::kSpec);
  EXPECT_TRUE(made->config.no_direct_io);
  EXPECT_EQ(view("vm-2").read_back, made->config);
  clone.wish.network = "nowhere";
  EXPECT_EQ(run("vm-3", clone).reason, Reason::kNetworkNotFound);
  clone.wish.network = "small";
  const Outcome narrow = run("vm-3", clone);
  EXPECT_TRUE(narrow.refused);
  EXPECT_EQ(narrow.reason, Reason::kMtuTooSmall);
  EXPECT_THAT(narrow.message,
              testing::HasSubstr("network small has MTU 1300, the snapshot "
                                 "needs 1500"));
  EXPECT_THAT(left_of("vm-3"), testing::IsEmpty());

  auto restore = restore_to("snap-1");
  restore.allow_foreign = true;
  ASSERT_TRUE(run("vm-2", restore).ok);
  EXPECT_EQ(view("vm-2").record->config.network, "blue");
  EXPECT_EQ(view("vm-2").record->sources.network,
            model::Source::kVirtualMachine);
  auto small = boot_request("vm-4");
  small.config.network = "small";
  ASSERT_TRUE(run("vm-4", small).ok);
  const int pid = vmm_pid("vm-4");
  const Outcome refused = run("vm-4", restore);
  EXPECT_TRUE(refused.refused);
  EXPECT_EQ(refused.reason, Reason::kMtuTooSmall);
  EXPECT_EQ(vmm_pid("vm-4"), pid);
  // Its own snapshots are of its own MTU.
  snapshot("vm-4", "snap-4");
  EXPECT_TRUE(run("vm-4", restore_to("snap-4")).ok);
}

// Whatever it is refused for: the same process runs on, and no attempt is
// used up.
TEST_P(NodeLineage, ARefusedRestoreTouchesNothing) {
  const bool ch = GetParam() == model::Hypervisor::kCloudHypervisor;
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  auto three = boot_request("vm-3");
  three.config.nics = 3;
  ASSERT_TRUE(run("vm-3", three).ok);
  snapshot("vm-3", "snap-3");
  const int pid = vmm_pid("vm-1");
  const auto record = *view("vm-1").record;
  struct Case {
    Reason reason;
    const char* words;
    std::function<void(RestoreRequest&)> with;
  };
  std::vector<Case> cases = {
      {Reason::kNicCountMismatch,
       "nic count mismatch: vm has 1, snapshot has 3",
       [](auto& r) {
         r.snapshot_uid = "snap-3";
         r.allow_foreign = true;
       }},
      {Reason::kForeignSnapshot, "set spec.restore.allowForeign",
       [](auto& r) { r.snapshot_uid = "snap-3"; }},
      {Reason::kInvalidConfig, "cpu 1: a restore takes cpu from the snapshot",
       [](auto& r) { r.wish.cpu = 1; }},  // even when equal
      {Reason::kInvalidConfig, "a restore keeps the VM's nics",
       [](auto& r) { r.wish.nics = 1; }},
      {Reason::kDigestMismatch, "sha256:0 was asked for",
       [](auto& r) { r.manifest_digest = "sha256:0"; }},
      {Reason::kSnapshotNotFound, "no such snapshot",
       [](auto& r) { r.snapshot_uid = "none"; }},
      {Reason::kAttemptUsed, "attempt 0 was used; ask for attempt 1",
       [](auto& r) { r.attempt = 0; }}};
  if (!ch)
    cases.push_back({Reason::kOnDemandUnsupported, "spec.restore.onDemand",
                     [](auto& r) { r.on_demand = true; }});
  for (const Case& row : cases) {
    SCOPED_TRACE(row.words);
    auto request = restore_to("snap-1");
    row.with(request);
    const Outcome outcome = run("vm-1", request);
    EXPECT_TRUE(outcome.refused);
    EXPECT_EQ(outcome.reason, row.reason) << to_string(outcome.reason);
    EXPECT_THAT(outcome.message, testing::HasSubstr(row.words));
    EXPECT_EQ(vmm_pid("vm-1"), pid);
    EXPECT_EQ(view("vm-1").live, Live::kRunning);
    EXPECT_EQ(*view("vm-1").record, record);
  }
  auto request = restore_to("snap-1");
  request.on_demand = ch;
  const Outcome outcome = run("vm-1", request);
  ASSERT_TRUE(outcome.ok) << outcome.message;
  EXPECT_THAT(store::to_text(*view("vm-1").record),
              testing::Not(testing::HasSubstr("onDemand")))
      << "of the request, and of no record";
}

TEST_P(NodeLineage, APinnedManifestIsTheOneOrNone) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  auto clone = clone_of("snap-1");
  clone.manifest_digest = "sha256:" + std::string(64, '0');
  const Outcome other = run("vm-2", clone);
  EXPECT_TRUE(other.refused);
  EXPECT_EQ(other.reason, Reason::kDigestMismatch);
  EXPECT_THAT(other.message, testing::HasSubstr(clone.manifest_digest));
  EXPECT_THAT(left_of("vm-2"), testing::IsEmpty());
  clone.manifest_digest = engine().snapshot("snap-1").record->manifest_digest;
  EXPECT_TRUE(run("vm-2", clone).ok);
}

// An older version wrote down what was asked of a restore, while its guest
// was, as ever, what the snapshot had frozen.
TEST_P(NodeLineage,
       ARecordThatAnOlderVersionLeftWrongIsHealedByTheNextRestore) {
  boot("vm-1");
  snapshot("vm-1", "snap-1");
  ASSERT_TRUE(run("vm-1", restore_to("snap-1")).ok);
  const model::VmConfig truth = view("vm-1").record->config;
  ASSERT_EQ(truth.cpu, 1U);
  const int pid = vmm_pid("vm-1");
  close();
  leave_drifted_rows("vm-1");
  open();
  const VmView drifted = view("vm-1");
  EXPECT_EQ(drifted.record->config.cpu, 4U);
  EXPECT_EQ(drifted.record->config.memory.count, uint64_t{2} << 30);
  EXPECT_EQ(drifted.record->config.nics, 2U);
  EXPECT_EQ(drifted.read_back->cpu, truth.cpu) << "never the record";
  EXPECT_EQ(drifted.read_back->memory, truth.memory);
  EXPECT_EQ(drifted.read_back->nics, truth.nics);
  EXPECT_EQ(vmm_pid("vm-1"), pid);
  // What is taken of it is what runs.
  snapshot("vm-1", "snap-2");
  EXPECT_EQ(engine().snapshot("snap-2").record->config.cpu, 1U);
  EXPECT_EQ(engine().snapshot("snap-2").record->config.memory, truth.memory);
  const Outcome outcome = run("vm-1", restore_to("snap-1", 2));
  ASSERT_TRUE(outcome.ok) << to_string(outcome.reason) << outcome.message;
  EXPECT_EQ(view("vm-1").record->config, truth);
  EXPECT_EQ(view("vm-1").read_back, truth);
  EXPECT_EQ(view("vm-1").record->nics.size(), 1U);
  // And clones of what was taken carry the corrected numbers.
  ASSERT_TRUE(run("vm-2", clone_of("snap-2")).ok);
  EXPECT_EQ(view("vm-2").record->config, truth);
}

INSTANTIATE_TEST_SUITE_P(Kinds, NodeLineage,
                         testing::ValuesIn(model::kHypervisors),
                         [](const auto& kind) {
                           return std::string(to_string(kind.param));
                         });

}  // namespace
}  // namespace chrysalis::engine
