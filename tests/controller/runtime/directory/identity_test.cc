#include "controller/runtime/directory/identity.h"

#include <gtest/gtest.h>

#include "controller/runtime/directory/new_uid.h"
#include "src/store/paths.h"

namespace chrysalis::runtime::directory {
namespace {

const ObjectId kWeb{api::Kind::kVirtualMachine, "default", "web"};
const Accepted kFirst{"web.yaml", "{}", "sha256:1"};
const Wall kNow{seconds{1'800'000'000}};

TEST(Identity, BeginsAtGenerationOne) {
  const auto row = first_identity(kWeb, "uid-1", kFirst, kNow);
  EXPECT_EQ(row.kind, "VirtualMachine");
  EXPECT_EQ(row.generation, 1u);
  EXPECT_EQ(row.created_at, kNow);
  EXPECT_EQ(row.manifest, "web.yaml");
  ObjectId id;
  ASSERT_TRUE(id_of(row, id));
  EXPECT_EQ(id, kWeb);
}

TEST(Identity, GenerationCountsChangesOfWhatIsShown) {
  auto row = first_identity(kWeb, "uid-1", kFirst, kNow);
  EXPECT_EQ(with_manifest(row, kFirst), row);

  auto moved = with_manifest(row, {"b.yaml", "{}", "sha256:1"});
  EXPECT_EQ(moved.generation, 1u);
  EXPECT_EQ(moved.manifest, "b.yaml");

  EXPECT_EQ(with_manifest(row, {"web.yaml", "{1}", "sha256:2"}).generation, 2u);

  const auto removed = without_manifest(row);
  EXPECT_EQ(removed.generation, 2u);
  EXPECT_EQ(removed.spec, "{}");  // what it was stays known
  EXPECT_EQ(without_manifest(removed), removed);
  const auto back = with_manifest(removed, kFirst);
  EXPECT_EQ(back.generation, 3u);
  EXPECT_EQ(back.uid, "uid-1");
}

TEST(Identity, TheFirstDeletionStands) {
  const auto row = first_identity(kWeb, "uid-1", kFirst, kNow);
  const auto deleted = deleting(row, kNow + seconds{1});
  EXPECT_EQ(deleted.deleted_at, kNow + seconds{1});
  EXPECT_EQ(deleting(deleted, kNow + seconds{9}), deleted);
}

TEST(Identity, AStrangeKindIsNoneOfOurs) {
  store::IdentityRow row;
  row.kind = "Pod";
  ObjectId id;
  EXPECT_FALSE(id_of(row, id));
}

TEST(Identity, ShowsByManifestAndData) {
  const NodeData none, some{true, false}, ready{true, true};
  auto vm = first_identity(kWeb, "uid-1", kFirst, kNow);
  auto snapshot = first_identity({api::Kind::kVmSnapshot, "default", "s"},
                                 "uid-2", kFirst, kNow);
  EXPECT_EQ(shown_as(vm, none), Shown::kAsAsked);
  EXPECT_EQ(shown_as(snapshot, none), Shown::kAsAsked);

  vm = without_manifest(vm);
  EXPECT_EQ(shown_as(vm, none), Shown::kHidden);
  EXPECT_EQ(shown_as(vm, some), Shown::kStopped);

  snapshot = without_manifest(snapshot);
  EXPECT_EQ(shown_as(snapshot, none), Shown::kHidden);
  EXPECT_EQ(shown_as(snapshot, some), Shown::kHidden);
  EXPECT_EQ(shown_as(snapshot, ready), Shown::kAsAsked);

  EXPECT_EQ(shown_as(deleting(vm, kNow), none), Shown::kDeleting);
  EXPECT_EQ(shown_as(deleting(snapshot, kNow), ready), Shown::kDeleting);
}

TEST(Identity, UidsAreRandomVersionFour) {
  const std::string uid = new_uid();
  ASSERT_EQ(uid.size(), 36u);
  EXPECT_EQ(uid[14], '4');
  EXPECT_NE(std::string("89ab").find(uid[19]), std::string::npos);
  EXPECT_TRUE(store::StatePaths::valid_uid(uid));
  EXPECT_NE(new_uid(), uid);
}

}  // namespace
}  // namespace chrysalis::runtime::directory
