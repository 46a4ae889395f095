// Status and finalizers: what reconcilers write, and where it lands.

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/controller/runtime/directory/directory_fixture.h"

namespace chrysalis::runtime::directory {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class DirectoryStatusTest : public DirectoryTest {
 protected:
  DirectoryStatusTest() {
    write("web.yaml", vm_yaml("web"));
    open();
  }
  Objects<api::VirtualMachine>& vms() { return objects_->store().vms; }
  api::VmStatus running() const {
    api::VmStatus status = vm("web")->status;
    status.phase = api::VmPhase::kRunning;
    status.observed_generation = 1;
    return status;
  }
  uint64_t inode(const std::string& name) const {
    struct stat now{};
    EXPECT_EQ(::stat((dir_ / name).c_str(), &now), 0);
    return now.st_ino;
  }
};

TEST_F(DirectoryStatusTest, StandsBesideTheManifestWithItsHeader) {
  ASSERT_TRUE(vms().write_status(*vm("web"), running()));
  const std::string text = text_of(kWebStatus);
  EXPECT_THAT(text, StartsWith("apiVersion: \"chrysalis.dev/v1alpha1\"\n"
                               "kind: \"VirtualMachine\"\nmetadata:\n"
                               "  name: \"web\"\n  namespace: \"default\"\n"
                               "  uid: \"" +
                               vm("web")->meta.uid + "\"\n"));
  EXPECT_THAT(text, HasSubstr("phase: \"Running\""));
  EXPECT_THAT(text, HasSubstr("nodeName: \"node-a\""));
  EXPECT_EQ(vm("web")->status, running());  // read your own write
}

TEST_F(DirectoryStatusTest, WhatIsTheSameIsNotWritten) {
  ASSERT_TRUE(vms().write_status(*vm("web"), running()));
  const auto held = vm("web");
  const auto file = inode(kWebStatus);
  ASSERT_TRUE(vms().write_status(*held, running()));
  scan();
  EXPECT_EQ(vm("web"), held);
  EXPECT_EQ(inode(kWebStatus), file);
  restart();
  scan();
  EXPECT_EQ(inode(kWebStatus), file);
}

TEST_F(DirectoryStatusTest, AWriteFromAnOldStateIsAConflict) {
  const auto old = vm("web");
  ASSERT_TRUE(vms().write_status(*old, running()));
  const auto written = vms().write_status(*old, {});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Code::kConflict);
  auto other = *vm("web");
  other.meta.uid = "another";
  EXPECT_EQ(vms().write_status(other, {}).error().code, Code::kNotFound);
  other.meta.name = "nobody";
  EXPECT_EQ(vms().set_finalizer(other, "x", true).error().code,
            Code::kNotFound);
}

TEST_F(DirectoryStatusTest, AFileThatCannotBeWrittenHoldsNobodyUp) {
  std::filesystem::rename(dir_, root_ / "away");
  ASSERT_TRUE(vms().write_status(*vm("web"), running()));
  EXPECT_EQ(vm("web")->status, running());
  scan();
  EXPECT_THAT(said(), HasSubstr(kWebStatus + ": not written"));
  std::filesystem::rename(root_ / "away", dir_);
  scan();
  EXPECT_THAT(text_of(kWebStatus), HasSubstr("phase: \"Running\""));
  EXPECT_EQ(said(), "");
}

TEST_F(DirectoryStatusTest, AFileThatWasTakenAwayComesBack) {
  ASSERT_TRUE(vms().write_status(*vm("web"), running()));
  remove(kWebStatus);
  scan();
  EXPECT_TRUE(exists(kWebStatus));
}

TEST_F(DirectoryStatusTest, HandlersHearOfEveryChange) {
  std::vector<std::pair<std::string, Change>> heard;
  vms().add_handler(
      [&](const Delivery& d) { heard.emplace_back(d.key.name, d.change); });
  ASSERT_TRUE(vms().write_status(*vm("web"), running()));
  write("b.yaml", vm_yaml("b"));
  scan();
  remove("b.yaml");
  scan();
  EXPECT_THAT(heard,
              testing::ElementsAre(testing::Pair("web", Change::kAdded),
                                   testing::Pair("web", Change::kUpdated),
                                   testing::Pair("b", Change::kAdded),
                                   testing::Pair("b", Change::kDeleted)));
}

TEST_F(DirectoryStatusTest, FinalizersOfOthersAreKeptWhileWeRun) {
  ASSERT_TRUE(vms().set_finalizer(*vm("web"), "example.com/x", true));
  EXPECT_TRUE(vm("web")->meta.has_finalizer("example.com/x"));
  write("web.yaml", vm_yaml("web", "  powerState: Paused\n"));
  scan();
  EXPECT_TRUE(vm("web")->meta.has_finalizer("example.com/x"));
  EXPECT_TRUE(vm("web")->meta.has_finalizer(kFinalizer));
  ASSERT_TRUE(vms().set_finalizer(*vm("web"), "example.com/x", false));
  EXPECT_FALSE(vm("web")->meta.has_finalizer("example.com/x"));
}

TEST_F(DirectoryStatusTest, ReadsByNameAsItShows) {
  EXPECT_EQ(vms().read({"default", "web"}).value(), vm("web"));
  EXPECT_EQ(vms().read({"default", "none"}).value(), nullptr);
  EXPECT_FALSE(vms().held_until({"default", "web"}, clock_.mono()));
}

}  // namespace
}  // namespace chrysalis::runtime::directory
