// Manifests in, objects out: identities, refusals, doubt, restarts.

#include "controller/runtime/directory/directory_objects.h"

#include <gmock/gmock.h>

#include "tests/controller/runtime/directory/directory_fixture.h"

namespace chrysalis::runtime::directory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class DirectoryObjectsTest : public DirectoryTest {};

TEST_F(DirectoryObjectsTest, ShowsWhatManifestsAskFor) {
  write("web.yaml", vm_yaml("web") + "---\n" + snapshot_yaml("base"));
  write("b.json", R"({"apiVersion":"chrysalis.dev/v1alpha1",
      "kind":"VirtualMachine","metadata":{"name":"b","namespace":"team-a"},
      "spec":{"source":{"image":{"name":"ubuntu"}},"powerState":"Stopped"}})");
  open();
  ASSERT_TRUE(vm("web"));
  const api::Meta& meta = vm("web")->meta;
  EXPECT_EQ(meta.uid.size(), 36u);
  EXPECT_EQ(meta.generation, 1u);
  EXPECT_EQ(meta.created_at, clock_.wall());
  EXPECT_THAT(meta.finalizers, ElementsAre(kFinalizer));
  EXPECT_EQ(vm("web")->status.node_name, "node-a");
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kRunning);
  ASSERT_TRUE(snapshot("base"));
  EXPECT_EQ(snapshot("base")->spec.virtual_machine, "web");
  const auto b = objects_->store().vms.get({"team-a", "b"});
  ASSERT_TRUE(b);
  EXPECT_EQ(b->spec.power, model::PowerState::kStopped);
  EXPECT_TRUE(objects_->store().vms.synced());
  EXPECT_EQ(said(), "");
}

TEST_F(DirectoryObjectsTest, AnEventWithoutATextIsLoggedByItsReason) {
  open();
  ::testing::internal::CaptureStderr();
  EventNote note;
  note.key = {"default", "web"};
  note.reason = "Running";
  note.action = "Reconcile";
  objects_->store().events.tell(note);
  note.message = "it waits";
  objects_->store().events.tell(note);
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("info Running kind=VirtualMachine"));
  EXPECT_THAT(said, HasSubstr("info it waits kind=VirtualMachine"));
}

TEST_F(DirectoryObjectsTest, AnEditCountsTheGenerationAndKeepsTheRest) {
  write("web.yaml", vm_yaml("web"));
  open();
  const auto before = vm("web");
  api::VmStatus status = before->status;
  status.phase = api::VmPhase::kRunning;
  ASSERT_TRUE(objects_->store().vms.write_status(*before, status));
  write("web.yaml", vm_yaml("web", "  powerState: Paused\n"));
  scan();
  EXPECT_EQ(vm("web")->meta.generation, 2u);
  EXPECT_EQ(vm("web")->meta.uid, before->meta.uid);
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kPaused);
  EXPECT_EQ(vm("web")->status, status);
  EXPECT_NE(vm("web")->meta.resource_version, before->meta.resource_version);
  EXPECT_THAT(text_of(kWebStatus), HasSubstr("generation: 2"));

  const auto held = vm("web");
  write("web.yaml", "# a comment\n" + vm_yaml("web", "  powerState: Paused\n"));
  scan();
  EXPECT_EQ(vm("web"), held);  // the very object
}

TEST_F(DirectoryObjectsTest, ARestartKeepsUidGenerationAndStatus) {
  write("web.yaml", vm_yaml("web"));
  open();
  write("web.yaml", vm_yaml("web", "  powerState: Paused\n"));
  scan();
  api::VmStatus status = vm("web")->status;
  status.phase = api::VmPhase::kPaused;
  status.observed_generation = 2;
  ASSERT_TRUE(objects_->store().vms.write_status(*vm("web"), status));
  const auto before = vm("web");
  restart();
  EXPECT_EQ(vm("web")->meta.uid, before->meta.uid);
  EXPECT_EQ(vm("web")->meta.generation, 2u);
  EXPECT_EQ(vm("web")->meta.created_at, before->meta.created_at);
  EXPECT_EQ(vm("web")->status, status);
}

TEST_F(DirectoryObjectsTest, AKillBetweenIdentityAndStatusChangesNoUid) {
  write("web.yaml", vm_yaml("web"));
  open();
  const auto uid = vm("web")->meta.uid;
  ASSERT_FALSE(exists(kWebStatus));
  restart();
  EXPECT_EQ(vm("web")->meta.uid, uid);
  EXPECT_EQ(vm("web")->meta.generation, 1u);
  EXPECT_EQ(vm("web")->status.node_name, "node-a");
}

TEST_F(DirectoryObjectsTest, AStatusOfAnotherUidIsNotBelieved) {
  write("web.yaml", vm_yaml("web"));
  write(kWebStatus,
        "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
        "metadata: {name: web, namespace: default, uid: other}\n"
        "status: {phase: Running}\n");
  open();
  EXPECT_FALSE(vm("web")->status.phase);
  restart();
  EXPECT_FALSE(vm("web")->status.phase);
}

TEST_F(DirectoryObjectsTest, ADatabaseThatRefusesChangesNothing) {
  bool refuse = false;
  open_db({.commit_hook = [&](uint64_t) { return !refuse; }});
  open();
  write("web.yaml", vm_yaml("web"));
  refuse = true;
  EXPECT_FALSE(objects_->scan());
  EXPECT_FALSE(vm("web"));
  EXPECT_THAT(said(), HasSubstr("nothing was changed"));
}

// ---- manifests that go

TEST_F(DirectoryObjectsTest, ARemovedManifestStopsItsVmAndKeepsItsUid) {
  write("web.yaml", vm_yaml("web"));
  open();
  const auto uid = vm("web")->meta.uid;
  ASSERT_TRUE(objects_->store().vms.write_status(*vm("web"), some_status()));
  give_data(uid);
  remove("web.yaml");
  scan();
  ASSERT_TRUE(vm("web"));
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kStopped);
  EXPECT_EQ(vm("web")->meta.generation, 2u);
  EXPECT_FALSE(vm("web")->meta.deleted_at);
  EXPECT_THAT(text_of(kWebStatus),
              HasSubstr("`chrysalis delete virtualmachine/web -n default`"));

  restart();  // stopped also after this
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kStopped);

  write("web.yaml", vm_yaml("web"));
  scan();
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kRunning);
  EXPECT_EQ(vm("web")->meta.uid, uid);
  EXPECT_EQ(vm("web")->meta.generation, 3u);
  EXPECT_THAT(text_of(kWebStatus), Not(HasSubstr("chrysalis delete")));
}

TEST_F(DirectoryObjectsTest, ARemovedManifestOfNothingLeavesNothing) {
  write("web.yaml", vm_yaml("web"));
  open();
  const auto uid = vm("web")->meta.uid;
  ASSERT_TRUE(objects_->store().vms.write_status(*vm("web"), some_status()));
  ASSERT_TRUE(exists(kWebStatus));
  remove("web.yaml");
  scan();
  EXPECT_FALSE(vm("web"));
  EXPECT_FALSE(exists(kWebStatus));
  give_data(uid);  // the engine was not done with it
  scan();
  ASSERT_TRUE(vm("web"));
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kStopped);
}

TEST_F(DirectoryObjectsTest, OnlyAReadySnapshotOutlivesItsManifest) {
  write("web.yaml", vm_yaml("web"));
  write("base.yaml", snapshot_yaml("base"));
  open();
  give_snapshot(snapshot("base")->meta.uid, false);
  remove("base.yaml");
  scan();
  EXPECT_FALSE(snapshot("base"));  // it is not taken any more
  write("base.yaml", snapshot_yaml("base"));
  scan();
  give_snapshot(snapshot("base")->meta.uid, true);
  remove("base.yaml");
  scan();
  ASSERT_TRUE(snapshot("base"));
  EXPECT_FALSE(snapshot("base")->meta.deleted_at);
}

// ---- doubt

TEST_F(DirectoryObjectsTest, AMissingDirectoryIsAMistakeUnlessVmsAreKnown) {
  std::filesystem::remove(dir_);
  const auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kNotFound);
  EXPECT_THAT(opened.error().message, HasSubstr(dir_.native()));
}

TEST_F(DirectoryObjectsTest, AnUnmountedDirectoryAtTheStartStopsNoVm) {
  write("web.yaml", vm_yaml("web"));
  write("db.yaml", vm_yaml("db", "  powerState: Paused\n"));
  open();
  const auto uid = vm("web")->meta.uid;
  std::filesystem::rename(dir_, root_ / "away");
  restart();
  ASSERT_TRUE(vm("web"));
  EXPECT_EQ(vm("web")->meta.uid, uid);
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kRunning);
  EXPECT_EQ(vm("db")->spec.power, model::PowerState::kPaused);
  EXPECT_TRUE(objects_->store().vms.synced());
  EXPECT_THAT(said(), HasSubstr("nothing was changed"));

  std::filesystem::create_directory(dir_);  // an empty mount point
  restart();
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kRunning);
  EXPECT_EQ(vm("db")->meta.generation, 1u);
  EXPECT_THAT(said(), HasSubstr("all of 2 objects are gone"));

  std::filesystem::remove_all(dir_);
  std::filesystem::rename(root_ / "away", dir_);
  scan();
  EXPECT_EQ(said(), "");
  EXPECT_EQ(vm("web")->meta.uid, uid);
}

TEST_F(DirectoryObjectsTest, ABrokenFileKeepsWhatItHeldAlsoOverARestart) {
  write("web.yaml", vm_yaml("web"));
  open();
  const auto before = vm("web");
  write("web.yaml", "kind: VirtualMachine\nspec: {a: [1\nb: 2\n");
  scan();
  EXPECT_EQ(vm("web"), before);
  EXPECT_THAT(said(), testing::ContainsRegex("web.yaml:[0-9]+: "));
  restart();
  ASSERT_TRUE(vm("web"));
  EXPECT_EQ(vm("web")->meta.uid, before->meta.uid);
  EXPECT_EQ(vm("web")->meta.generation, 1u);
  write("web.yaml", "");  // truncated: who knows what comes
  scan();
  EXPECT_EQ(vm("web")->spec.power, model::PowerState::kRunning);
}

TEST_F(DirectoryObjectsTest, AFileThatIsBeingWrittenIsNotRead) {
  open();
  std::ofstream half(dir_ / "web.yaml");
  half << vm_yaml("web") << std::flush;
  scan();
  EXPECT_FALSE(vm("web"));
  EXPECT_THAT(said(), HasSubstr("web.yaml: is being written"));
  half.close();
  scan();
  EXPECT_TRUE(vm("web"));
  EXPECT_EQ(said(), "");
}

TEST_F(DirectoryObjectsTest, OddFilesAreSaidAndNotFollowed) {
  write("a.txt", vm_yaml("web"));
  write(".hidden.yaml", vm_yaml("web"));
  std::filesystem::create_symlink(dir_ / "a.txt", dir_ / "link.yaml");
  std::filesystem::create_directory(dir_ / "dir.yaml");
  write("big.yaml", std::string((1 << 20) + 1, '#'));
  write("other.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
  write("wrong.yaml", "apiVersion: chrysalis.dev/v1alpha1\nkind: Vm\n");
  open();
  EXPECT_THAT(objects_->store().vms.list(), IsEmpty());
  EXPECT_THAT(said(), HasSubstr("link.yaml: is a symbolic link"));
  EXPECT_THAT(said(), HasSubstr("dir.yaml: is no regular file"));
  EXPECT_THAT(said(), HasSubstr("big.yaml: larger than 1048576 bytes"));
  EXPECT_THAT(said(), HasSubstr("other.yaml:1: kind: \"Namespace\" of \"v1\""));
  EXPECT_THAT(said(), HasSubstr("wrong.yaml:1: kind: no kind \"Vm\""));
}

// ---- refusals

TEST_F(DirectoryObjectsTest, ARefusedObjectIsSaidInItsStatusFileAndNotRun) {
  write("web.yaml", vm_yaml("web", "  resources: {cpu: -1}\n"));
  open();
  EXPECT_FALSE(vm("web"));
  EXPECT_THAT(db_->identities(), IsEmpty());
  const std::string status = text_of(kWebStatus);
  EXPECT_THAT(status, HasSubstr("Stalled"));
  EXPECT_THAT(status, HasSubstr("InvalidSpec"));
  EXPECT_THAT(status, HasSubstr("web.yaml:1: spec.resources.cpu"));
  EXPECT_THAT(said(), HasSubstr("VirtualMachine default/web: spec.resources"));

  write("web.yaml", vm_yaml("web", "  resources: {cpu: 1}\n"));
  scan();
  ASSERT_TRUE(vm("web"));
  EXPECT_EQ(vm("web")->meta.generation, 1u);
  EXPECT_THAT(text_of(kWebStatus), Not(HasSubstr("Stalled")));
  EXPECT_EQ(said(), "");
}

TEST_F(DirectoryObjectsTest, ARefusalGoesWithItsManifestAlsoOverARestart) {
  write("web.yaml", vm_yaml("web", "  resources: {cpu: -1}\n"));
  open();
  ASSERT_TRUE(exists(kWebStatus));
  objects_.reset();
  remove("web.yaml");
  restart();
  EXPECT_FALSE(exists(kWebStatus));
}

TEST_F(DirectoryObjectsTest, ARefusedChangeLeavesWhatWasAccepted) {
  write("web.yaml", vm_yaml("web"));
  open();
  const auto before = vm("web");
  auto other = vm_yaml("web");
  other.replace(other.find("ubuntu"), 6, "debian");
  write("web.yaml", other);
  scan();
  EXPECT_EQ(vm("web"), before);
  EXPECT_THAT(text_of(kWebStatus),
              HasSubstr("what was accepted before goes on"));
  EXPECT_THAT(said(), HasSubstr("spec.source"));

  restart();  // judged by what was accepted, not by what stands there
  EXPECT_EQ(vm("web")->meta.generation, 1u);
  EXPECT_EQ(vm("web")->spec.wish, before->spec.wish);
  EXPECT_THAT(text_of(kWebStatus), HasSubstr("Stalled"));

  write("web.yaml", vm_yaml("web"));
  scan();
  EXPECT_THAT(text_of(kWebStatus), Not(HasSubstr("Stalled")));
}

TEST_F(DirectoryObjectsTest, AnObjectForAnotherNodeIsRefused) {
  write("web.yaml", vm_yaml("web", "  nodeName: node-b\n"));
  write("db.yaml", vm_yaml("db", "  nodeName: node-a\n"));
  open();
  EXPECT_FALSE(vm("web"));
  EXPECT_TRUE(vm("db"));
  EXPECT_THAT(said(), HasSubstr("spec.nodeName: node-b is another node"));
}

}  // namespace
}  // namespace chrysalis::runtime::directory
