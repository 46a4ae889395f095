#pragma once

// A place to launch VMMs in: a mount and network namespace of the test's own,
// and a generation directory that goes away with it. Every VMM that was
// launched is killed at the end. Skips, loudly, without root.

#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "src/hypervisor/launcher.h"
#include "tests/fakes/own_host.h"

namespace chrysalis::hypervisor {

inline Mono soon() { return std::chrono::steady_clock::now() + seconds{20}; }

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class ShimTest : public testing::Test {
 protected:
  static constexpr uint32_t kUid = 123456;

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "SKIPPED LOUDLY: needs root";
    if (::unshare(CLONE_NEWNS | CLONE_NEWNET) != 0)
      GTEST_SKIP() << "SKIPPED LOUDLY: needs namespaces";
    ASSERT_TRUE(share_own_mounts());
    char name[] = "/tmp/chrysalis-shim-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
    generation_ = root_ / "gen-1";
    files_ = {root_ / "gen-1.exit",
              root_ / "gen-1.log",
              root_ / "gen-1.sock",
              root_ / "gen-1.console",
              {},
              {}};
    std::filesystem::create_directory(generation_);
  }

  void TearDown() override {
    for (const ProcessIds& ids : launched_) {
      for (const ProcessIdentity& identity : {ids.vmm, ids.shim}) {
        auto process = open_process(identity);
        if (!process) continue;
        // The shim follows its VMM, and writes into the directory till then.
        if (identity == ids.vmm) (void)signal_process(process->get(), 9);
        EXPECT_TRUE(wait_process(process->get(), soon()));
      }
    }
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }

  LaunchSpec probe(std::vector<std::string> words) {
    LaunchSpec spec;
    spec.binary = CHRYSALIS_PROBE_VMM;
    spec.argv = {"probe"};
    for (std::string& word : words) spec.argv.push_back(std::move(word));
    spec.generation = generation_;
    spec.files = files_;
    spec.unix_uid = kUid;
    return spec;
  }

  Result<Launched> spawn(const LaunchSpec& spec) {
    auto launched = Launcher(CHRYSALIS_SHIM).spawn(spec, soon());
    if (launched) launched_.push_back(launched->ids());
    return launched;
  }

  Result<VmmProcess> run(const LaunchSpec& spec) {
    CHRYSALIS_ASSIGN(Launched launched, spawn(spec));
    return Launcher::open_gate(std::move(launched), soon());
  }

  // Runs it to its end.
  Result<ExitRecord> finish(const LaunchSpec& spec) {
    CHRYSALIS_ASSIGN(VmmProcess process, run(spec));
    CHRYSALIS_ASSIGN(auto record, process.wait_exit(files_.exit, soon()));
    if (!record) return fail(Code::kNotFound, "no exit record");
    return *record;
  }

  std::filesystem::path root_;
  std::filesystem::path generation_;
  ShimFiles files_;
  std::vector<ProcessIds> launched_;
};

}  // namespace chrysalis::hypervisor
