#include "src/hypervisor/probe.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "src/base/tree_hash.h"
#include "src/base/unique_fd.h"

namespace chrysalis::hypervisor {
namespace {

using model::Hypervisor;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr auto kCh = Hypervisor::kCloudHypervisor;
constexpr auto kFc = Hypervisor::kFirecracker;

Mono soon() { return Mono::clock::now() + seconds{30}; }

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

fs::path simulated(Hypervisor kind) {
  return fs::path(CHRYSALIS_BINARY_DIR) / "simulated" /
         capabilities(kind).program;
}

class ProbeTest : public ::testing::Test {
 protected:
  ProbeTest() {
    std::string pattern = ::testing::TempDir() + "/chrysalis-probe-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~ProbeTest() override { fs::remove_all(dir_); }

  // A program of the shell; notes each of its runs in dir_/runs.
  fs::path script(const std::string& name, const std::string& body) {
    const fs::path path = dir_ / name;
    std::ofstream(path) << "#!/bin/sh\necho run >> " << (dir_ / "runs").native()
                        << "\n"
                        << body << "\n";
    ::chmod(path.c_str(), 0755);
    return path;
  }
  [[nodiscard]] size_t runs() const {
    return slurp(dir_ / "runs").size() / std::string("run\n").size();
  }
  Error refused(Hypervisor kind, const fs::path& path, Mono deadline = soon()) {
    const auto probed = prober_.probe(kind, path, deadline);
    EXPECT_FALSE(probed.has_value()) << path;
    if (!probed) {
      EXPECT_THAT(probed.error().message, HasSubstr(path.string()));
    }
    return probed ? Error{} : probed.error();
  }

  fs::path dir_;
  Prober prober_;
};

TEST_F(ProbeTest, AsksTheSimulatedOnes) {
  for (const Hypervisor kind : model::kHypervisors) {
    const auto probed = prober_.probe(kind, simulated(kind), soon());
    ASSERT_TRUE(probed.has_value()) << probed.error().message;
    EXPECT_THAT(probed->said, HasSubstr("simulated"));
    EXPECT_GE(probed->version, capabilities(kind).minimum_to_snapshot);
    EXPECT_EQ(probed->sha256, sha256_hex(slurp(simulated(kind))).value());
    EXPECT_EQ(probed->snapshot_format.empty(), kind == kCh);
  }
}

TEST_F(ProbeTest, RunsTheSameContentsOnce) {
  const fs::path one = script("one", "echo cloud-hypervisor v53.0");
  EXPECT_EQ(prober_.probe(kCh, one, soon())->said, "v53.0");
  EXPECT_EQ(prober_.probe(kCh, one, soon())->version, (Version{53, 0, 0}));
  fs::copy(one, dir_ / "two");
  EXPECT_TRUE(prober_.probe(kCh, dir_ / "two", soon()).has_value());
  EXPECT_EQ(runs(), 1U);
  fs::remove(one);
  script("one", "echo cloud-hypervisor v54.0");
  EXPECT_EQ(prober_.probe(kCh, one, soon())->said, "v54.0");
  EXPECT_EQ(runs(), 2U);
}

TEST_F(ProbeTest, IsGivenNothingOfOurs) {
  ::setenv("CHRYSALIS_TEST_SECRET", "x", 1);
  const fs::path path = script("p",
                               "echo Firecracker v1.16.1\n"
                               "echo \"$CHRYSALIS_TEST_SECRET$1\" >> " +
                                   (dir_ / "seen").native());
  ASSERT_TRUE(prober_.probe(kFc, path, soon()).has_value());
  EXPECT_EQ(slurp(dir_ / "seen"), "--version\n--snapshot-version\n");
}

TEST_F(ProbeTest, SaysWhatIsWrongWithAProgram) {
  EXPECT_EQ(refused(kCh, dir_ / "nowhere").code, Code::kNotFound);
  EXPECT_EQ(refused(kCh, dir_).code, Code::kInvalid);
  std::ofstream(dir_ / "text") << "not a program";
  EXPECT_EQ(refused(kCh, dir_ / "text").code, Code::kInvalid);
  ::chmod((dir_ / "text").c_str(), 0755);
  EXPECT_EQ(refused(kCh, dir_ / "text").code, Code::kInvalid);

  const Error other = refused(kFc, simulated(kCh));
  EXPECT_EQ(other.code, Code::kInvalid);
  EXPECT_THAT(other.message, HasSubstr("it is no firecracker"));
  const Error old = refused(kCh, script("old", "echo cloud-hypervisor v51.2"));
  EXPECT_EQ(old.code, Code::kUnsupported);
  EXPECT_THAT(old.message, HasSubstr("the oldest supported is 52.0.0"));
  EXPECT_EQ(refused(kCh, script("odd", "echo cloud-hypervisor new")).code,
            Code::kInvalid);
  EXPECT_EQ(refused(kCh, script("silent", "exit 0")).code, Code::kInvalid);
  EXPECT_THAT(refused(kCh, script("fails", "exit 1")).message,
              HasSubstr("--version failed"));
  EXPECT_THAT(refused(kCh, script("talks", "yes cloud-hypervisor")).message,
              HasSubstr("says too much"));
}

TEST_F(ProbeTest, AHangingProgramIsKilled) {
  for (const char* body : {"exec sleep 1000", "exec >&-\nexec sleep 1000"}) {
    const fs::path hangs = script("hangs", body);
    EXPECT_EQ(refused(kCh, hangs, Mono::clock::now() + milliseconds{500}).code,
              Code::kTimeout);
    fs::remove(hangs);
  }
  // Reaped as well: this process has no child any more.
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(ParseVersionOutput, TakesTheFirstLineOnly) {
  EXPECT_EQ(parse_version_output(kCh, "cloud-hypervisor v53.0\n").value(),
            "v53.0");
  EXPECT_EQ(
      parse_version_output(kCh, "cloud-hypervisor v53.0-12-gab\nProtocols: 0\n")
          .value(),
      "v53.0-12-gab");
  EXPECT_EQ(parse_version_output(kFc, "Firecracker v1.16.1\n\n").value(),
            "v1.16.1");
  for (const char* bad : {"", "\n", "firecracker", "cloud-hypervisor v53.0",
                          "Firecrackers v1", " Firecracker v1"})
    EXPECT_EQ(parse_version_output(kFc, bad).error().code, Code::kInvalid)
        << bad;
}

TEST(SnapshotSupport, IsWhatWasSeenNotWhatIsHoped) {
  const Version ch52{52, 0, 0}, ch53{53, 0, 0}, fc{1, 16, 1};
  EXPECT_EQ(snapshot_support(kCh, ch52, NestedState::kThere),
            SnapshotSupport::kBlockDrainMissing);
  EXPECT_EQ(snapshot_support(kCh, ch53, NestedState::kThere),
            SnapshotSupport::kYes);
  for (const auto nested : {NestedState::kMissing, NestedState::kUnknown}) {
    EXPECT_EQ(snapshot_support(kCh, ch53, nested), SnapshotSupport::kUntried);
    EXPECT_EQ(snapshot_support(kFc, fc, nested), SnapshotSupport::kYes);
  }
}

TEST(NestedState, IsUnknownWhereThereIsNoKvm) {
  EXPECT_EQ(nested_state("/dev/null"), NestedState::kUnknown);
  EXPECT_EQ(nested_state("/nowhere"), NestedState::kUnknown);
  const UniqueFd kvm(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (!kvm.valid()) GTEST_SKIP() << "SKIPPED LOUDLY: no /dev/kvm";
  EXPECT_NE(nested_state(), NestedState::kUnknown);
}

}  // namespace
}  // namespace chrysalis::hypervisor
