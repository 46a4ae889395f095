#include "src/engine/binaries.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "src/hypervisor/capabilities.h"

namespace chrysalis::engine {
namespace {

using hypervisor::NestedState;
using model::Hypervisor;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr auto kCh = Hypervisor::kCloudHypervisor;

class BinariesTest : public ::testing::Test {
 protected:
  BinariesTest() {
    auto db = store::NodeDb::open(paths_.node_db());
    EXPECT_TRUE(db.has_value()) << db.error().message;
    db_ = std::move(*db);
    kept_ = std::make_unique<store::KeptBinaries>(paths_, fs_, *db_);
    for (const Hypervisor kind : model::kHypervisors) {
      programs_[kind] = dir_ / hypervisor::capabilities(kind).program;
      fs::copy(fs::path(CHRYSALIS_BINARY_DIR) / "simulated" /
                   hypervisor::capabilities(kind).program,
               programs_[kind]);
    }
  }
  ~BinariesTest() override { fs::remove_all(dir_); }
  static fs::path make_dir() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-bin-XXXXXX";
    return ::mkdtemp(pattern.data());
  }
  std::unique_ptr<NodeBinaries> binaries(
      NestedState nested = NestedState::kThere) {
    return std::make_unique<NodeBinaries>(programs_, *kept_, nested);
  }
  fs::path script(const std::string& says) {
    const fs::path path = dir_ / "script";
    std::ofstream(path) << "#!/bin/sh\necho " << says << "\n";
    ::chmod(path.c_str(), 0755);
    return path;
  }

  fs::path dir_ = make_dir();
  store::StatePaths paths_ = store::StatePaths::open(dir_).value();
  PosixFileSystem fs_;
  std::unique_ptr<store::NodeDb> db_;
  std::unique_ptr<store::KeptBinaries> kept_;
  NodeBinaries::Programs programs_;
};

TEST_F(BinariesTest, WhatIsConfiguredIsKept) {
  for (const Hypervisor kind : model::kHypervisors) {
    const auto binary = binaries()->configured(kind);
    ASSERT_TRUE(binary.has_value()) << binary.error().message;
    EXPECT_EQ(binary->path, paths_.bin(binary->vmm.sha256));
    EXPECT_THAT(binary->vmm.version, HasSubstr("simulated"));
    EXPECT_EQ(binary->no_snapshot, Reason::kNone);

    // After an upgrade the snapshot's is still there.
    fs::remove(programs_[kind]);
    const auto kept = binaries()->kept(kind, binary->vmm);
    ASSERT_TRUE(kept.has_value()) << kept.error().message;
    EXPECT_EQ(kept->path, binary->path);
    EXPECT_EQ(kept->vmm, binary->vmm);
    EXPECT_EQ(binaries()->configured(kind).error().code, Code::kNotFound);
  }
  programs_.clear();
  EXPECT_EQ(binaries()->configured(kCh).error().code, Code::kNotFound);
  EXPECT_EQ(
      binaries()->kept(kCh, {"v53.0", std::string(64, 'a'), ""}).error().code,
      Code::kNotFound);
}

TEST_F(BinariesTest, SaysWhyItCanTakeNoSnapshot) {
  programs_[kCh] = script("cloud-hypervisor v52.0");
  auto old = binaries()->configured(kCh);
  ASSERT_TRUE(old.has_value()) << old.error().message;
  EXPECT_EQ(old->no_snapshot, Reason::kBlockDrainMissing);
  EXPECT_EQ(binaries()->kept(kCh, old->vmm)->no_snapshot,
            Reason::kBlockDrainMissing);
}

// KVM that says no is not believed before a try; what the try taught is.
TEST_F(BinariesTest, ATryTells) {
  const auto agent = binaries(NestedState::kMissing);
  const auto before = agent->configured(kCh);
  ASSERT_TRUE(before.has_value()) << before.error().message;
  EXPECT_EQ(before->no_snapshot, Reason::kNone);
  agent->cannot_snapshot(kCh, before->vmm.sha256,
                         Reason::kKvmNestedStateUnavailable);
  EXPECT_EQ(agent->configured(kCh)->no_snapshot,
            Reason::kKvmNestedStateUnavailable);
  EXPECT_EQ(agent->kept(kCh, before->vmm)->no_snapshot,
            Reason::kKvmNestedStateUnavailable);
  EXPECT_EQ(agent->configured(Hypervisor::kFirecracker)->no_snapshot,
            Reason::kNone);
}

}  // namespace
}  // namespace chrysalis::engine
