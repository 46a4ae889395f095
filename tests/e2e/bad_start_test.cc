// Starts that must not be, and an object that cannot be: each says what to do,
// and no VM of the node is touched.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/e2e/world/cluster.h"

namespace chrysalis::e2e {
namespace {

using model::Hypervisor;
using testing::HasSubstr;

class BadStart : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_namespaces())
      GTEST_SKIP() << "SKIPPED LOUDLY: needs root, for namespaces and TAPs";
    world_ = std::make_unique<Cluster>();
    world_->apply(app_);
    seen_ = world_->until_ready(app_.id);
    pids_ = world_->host().vmms();
    ASSERT_EQ(pids_.size(), 1U);
  }
  // The VM as it was, by the same process, and its agent at work.
  void expect_untouched() {
    EXPECT_EQ(world_->host().vmms(), pids_);
    Manifest other = image_vm("other", Hypervisor::kFirecracker);
    world_->apply(other);
    world_->until_ready(other.id);
    EXPECT_EQ(world_->until_ready(app_.id), seen_);
    world_->remove({other.id, app_.id});
    EXPECT_EQ(world_->stop_agent(), 0) << world_->logs();
  }

  std::unique_ptr<Cluster> world_;
  Manifest app_ = image_vm("app", Hypervisor::kCloudHypervisor);
  json seen_;
  std::map<std::string, pid_t> pids_;
};

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TEST_F(BadStart, OfASecondAgentOnOneStateIsRefused) {
  const std::string words = "another process (pid " +
                            std::to_string(world_->agent().pid()) + ") uses " +
                            world_->host().state().string() +
                            ": stop it first, or choose another --state-dir";
  const auto second = run_chrysalis(world_->agent_words());
  EXPECT_EQ(second.exit, 1);
  EXPECT_THAT(second.err, HasSubstr(words));

  Words alone = world_->host().node_flags();
  alone.insert(alone.begin(),
               {"standalone", "--manifests", world_->host().root()});
  const auto third = run_chrysalis(alone);
  EXPECT_EQ(third.exit, 1);
  EXPECT_THAT(third.err, HasSubstr(words));
  expect_untouched();
}

TEST_F(BadStart, OnACorruptDatabaseSaysWhatToDo) {
  const auto database = world_->host().state() / "node.db";
  // In order, so that all of it is in the one file; the VM runs on.
  EXPECT_EQ(world_->stop_agent(), 0) << world_->logs();
  const std::string good = read(database);
  ASSERT_GT(good.size(), 4096U);
  for (const auto& [from, what] :
       {std::pair<size_t, std::string>{0, "its head"}, {100, "its schema"}}) {
    std::string bad = good;
    bad.replace(from, 64, 64, '\x5a');
    write(database, bad);
    const auto started = run_chrysalis(world_->agent_words());
    EXPECT_EQ(started.exit, 1) << what;
    EXPECT_THAT(started.err, HasSubstr(database.string())) << what;
    EXPECT_THAT(started.err, HasSubstr("No VM was touched")) << what;
    EXPECT_THAT(started.err, HasSubstr("put a good copy back")) << what;
    EXPECT_EQ(read(database), bad) << "changed what a human is to look at";
    EXPECT_EQ(world_->host().vmms(), pids_) << what;
  }
  write(database, good);
  world_->start_agent();
  expect_untouched();
}

// What the API server cannot know: the image is not there.
TEST_F(BadStart, OfAVmWithoutItsImageStallsThatVmAlone) {
  Manifest lost = image_vm("lost", Hypervisor::kCloudHypervisor);
  lost.spec["source"]["image"]["name"] = "none";
  world_->apply(lost);
  const json stalled =
      world_->until_condition(lost.id, "Stalled", "True/ImageNotFound");
  EXPECT_EQ(condition(stalled, "Ready"), "False/ImageNotFound");
  EXPECT_THAT(message(stalled, "Stalled"), HasSubstr("none"));
  EXPECT_EQ(world_->host().vmms(), pids_);
  expect_untouched();
  world_->start_agent();
  world_->remove({lost.id});
}

}  // namespace
}  // namespace chrysalis::e2e
