#include "controller/program/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace chrysalis::program {
namespace {

using Arguments = std::vector<std::string>;

Result<Options> options_of(const Arguments& arguments) {
  auto parsed = parse_flags(arguments);
  if (!parsed) return tl::unexpected(parsed.error());
  if (std::holds_alternative<Help>(*parsed)) {
    return fail(Code::kNotFound, std::get<Help>(*parsed).text);
  }
  return std::get<Options>(*parsed);
}

// A configuration file of one test.
class Flags : public testing::Test {
 protected:
  void SetUp() override {
    file_ = std::filesystem::path(testing::TempDir()) /
            ("flags-" + std::to_string(getpid()) + ".yaml");
  }
  void TearDown() override { std::filesystem::remove(file_); }
  Arguments with_file(const std::string& text, Arguments more = {}) {
    std::ofstream(file_) << text;
    Arguments out = {"agent", "--config", file_.string()};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  std::string error_of(const std::string& text) {
    const auto options = options_of(with_file(text));
    return options ? "no error" : options.error().message;
  }
  std::filesystem::path file_;
};

TEST_F(Flags, DefaultsStand) {
  const auto options = options_of({"agent"});
  ASSERT_TRUE(options) << options.error().message;
  const auto& agent = std::get<AgentOptions>(*options);
  EXPECT_EQ(agent.node.state_dir, "/var/lib/chrysalis");
  EXPECT_EQ(agent.node.max_pause, milliseconds{10'000});
  EXPECT_EQ(agent.node.verify, "once");
}

TEST_F(Flags, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  setenv("CHRYSALIS_NODE_NAME", "from-environment", 1);
  const auto options = options_of(with_file(
      "node-name: from-file\nlog-level: debug\nstate-dir: /from/file\n",
      {"--state-dir", "/from/flag"}));
  unsetenv("CHRYSALIS_NODE_NAME");
  ASSERT_TRUE(options) << options.error().message;
  const auto& agent = std::get<AgentOptions>(*options);
  EXPECT_EQ(agent.node.node_name, "from-environment");
  EXPECT_EQ(agent.node.state_dir, "/from/flag");
  EXPECT_EQ(agent.log.level, "debug");
}

TEST_F(Flags, AMistakeInTheFileIsNamedWithItsLine) {
  const std::string name = file_.string();
  EXPECT_EQ(error_of("log-level: info\nstat-dir: /x\n"),
            name + ":2: stat-dir: no such setting; see agent --help");
  EXPECT_THAT(error_of("\nverify: sometimes\n"),
              testing::StartsWith(name + ":2: --verify: sometimes not in"));
  EXPECT_THAT(error_of("max-pause-milliseconds: soon\n"),
              testing::StartsWith(name + ":1: "));
  EXPECT_EQ(error_of("verify: once\nverify: always\n"),
            name + ":2: verify: twice");
  EXPECT_EQ(error_of("verify: [once]\n"),
            name + ":1: verify: expected one value");
  EXPECT_THAT(error_of("a: b: c\n"), testing::StartsWith(name + ":1: "));
  EXPECT_EQ(error_of("- a\n"), name + ":1: expected lines of `key: value`");
}

TEST_F(Flags, AFileThatIsNotThereStopsTheStart) {
  const auto options = options_of({"agent", "--config", "/no/such/file"});
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().message,
            "cannot read the configuration file /no/such/file");
}

TEST_F(Flags, AnUnknownFlagOrValueStopsTheStart) {
  for (const Arguments& arguments :
       {Arguments{"agent", "--no-such-flag"}, Arguments{"agent", "stray"},
        Arguments{"agent", "--verify", "sometimes"},
        Arguments{"agent", "--max-pause-milliseconds", "0"}, Arguments{},
        Arguments{"no-such-command"}}) {
    const auto options = options_of(arguments);
    ASSERT_FALSE(options);
    EXPECT_EQ(options.error().code, Code::kInvalid);
  }
}

TEST_F(Flags, StandaloneNeedsItsManifests) {
  EXPECT_EQ(options_of({"standalone"}).error().message,
            "--manifests is missing: name the directory to run");
  const auto options = options_of({"standalone", "--manifests", "/etc/vms"});
  ASSERT_TRUE(options);
  EXPECT_EQ(std::get<StandaloneOptions>(*options).manifests, "/etc/vms");
}

TEST_F(Flags, DeleteTakesKindAndName) {
  const auto options = options_of({"delete", "vm/web", "-n", "shop"});
  ASSERT_TRUE(options) << options.error().message;
  const auto& remove = std::get<DeleteOptions>(*options);
  EXPECT_EQ(remove.kind, "vm");
  EXPECT_EQ(remove.name, "web");
  EXPECT_EQ(remove.ns, "shop");
  for (const char* target : {"web", "/web", "vm/"}) {
    EXPECT_FALSE(options_of({"delete", target})) << target;
  }
}

TEST_F(Flags, HelpIsNoError) {
  const auto parsed = parse_flags(Arguments{"agent", "--help"});
  ASSERT_TRUE(parsed);
  const auto& text = std::get<Help>(*parsed).text;
  EXPECT_NE(text.find("--state-dir"), std::string::npos);
  EXPECT_NE(text.find("CHRYSALIS_STATE_DIR"), std::string::npos);
}

}  // namespace
}  // namespace chrysalis::program
