// The program itself, as a shell starts it: exit codes and what it says.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/fakes/test_directory.h"

namespace {

struct Ended {
  int code = -1;
  std::string said;  // both outputs
};

Ended run(const std::string& arguments) {
  const std::string command = "env -i " CHRYSALIS_BINARY_DIR
                              "/controller/chrysalis " +
                              arguments + " 2>&1 </dev/null";
  Ended out;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> piece{};
  while (const size_t n = std::fread(piece.data(), 1, piece.size(), pipe))
    out.said.append(piece.data(), n);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) out.code = WEXITSTATUS(status);
  return out;
}

Ended check(const std::string& text) {
  const chrysalis::TestDirectory dir;
  const std::string path = dir.path() / "manifest.yaml";
  std::ofstream(path) << text;
  return run("check " + path);
}

bool one_line(const std::string& text) {
  return text.starts_with("chrysalis: ") && text.find('\n') == text.size() - 1;
}

TEST(Program, SaysItsVersion) {
  const Ended ended = run("version");
  EXPECT_EQ(ended.code, 0);
  EXPECT_TRUE(ended.said.starts_with("chrysalis ")) << ended.said;
}

TEST(Program, WrongUsageEndsWithTwo) {
  for (const char* arguments : {"", "fly", "agent --no-such-flag"}) {
    const Ended ended = run(arguments);
    EXPECT_EQ(ended.code, 2) << arguments;
    EXPECT_TRUE(ended.said.starts_with("chrysalis: ")) << ended.said;
  }
  EXPECT_EQ(run("agent --help").code, 0);
}

TEST(Program, AWrongKeyInItsFileEndsWithTwoAndItsLine) {
  const chrysalis::TestDirectory dir;
  const std::string path = dir.path() / "settings.yaml";
  std::ofstream(path) << "node-name: a\n# a comment\nstate-dri: /nowhere\n";
  for (const char* program : {"agent", "controller", "standalone"}) {
    const Ended ended = run(std::string(program) + " --config " + path);
    EXPECT_EQ(ended.code, 2) << program;
    EXPECT_TRUE(one_line(ended.said)) << ended.said;
    // The controller has no node.
    const std::string wrong = std::string(program) == "controller"
                                  ? ":1: node-name: no such setting"
                                  : ":3: state-dri: no such setting";
    EXPECT_NE(ended.said.find(path + wrong), std::string::npos) << ended.said;
  }
}

void expect_failure(const std::string& arguments, const std::string& named) {
  SCOPED_TRACE(arguments);
  const Ended ended = run(arguments);
  EXPECT_EQ(ended.code, 1);
  EXPECT_TRUE(one_line(ended.said)) << ended.said;
  EXPECT_NE(ended.said.find(named), std::string::npos) << ended.said;
}

TEST(Program, AStartThatFailsIsOneLineAndOne) {
  expect_failure("controller --kubeconfig /nowhere/kubeconfig",
                 "/nowhere/kubeconfig");
  expect_failure("controller", "--kubeconfig");
  expect_failure("standalone --manifests / --node-name A_B", "A_B");
}

// Before anything is connected to: each mistake by its flag.
TEST(Program, AWebhookThatCannotStartStopsTheStart) {
  const std::string flag = "controller --webhook-listen ";
  expect_failure(flag + "9443", "--webhook-listen: 9443: no port");
  expect_failure(flag + "127.0.0.1:0", "--webhook-cert: is missing");
  expect_failure("controller --webhook-key /nowhere/key",
                 "--webhook-key: is given without --webhook-listen");
  expect_failure(flag + "127.0.0.1:0 --webhook-cert /nowhere/crt",
                 "--webhook-cert: /nowhere/crt: ");
  expect_failure(flag + "127.0.0.1:0 --webhook-cert /dev/null",
                 "--webhook-key: is missing");
  expect_failure(
      flag + "127.0.0.1:0 --webhook-cert /dev/null --webhook-key /dev/null",
      "--webhook-cert: /dev/null: certificate: ");
}

TEST(Program, DeleteSaysThatNobodyRunsHere) {
  expect_failure("delete cvm/web --state-dir /nowhere/state", "/nowhere/state");
  expect_failure("delete pod/web --state-dir /nowhere/state", "pod");
}

TEST(Program, CheckRefusesWhatTheServerWould) {
  const std::string head =
      "apiVersion: chrysalis.dev/v1alpha1\n"
      "kind: VirtualMachine\nmetadata: {name: a}\n";
  const Ended good = check(head + "spec: {source: {image: {name: counter}}}\n");
  EXPECT_EQ(good.code, 0) << good.said;
  const Ended bad = check(
      head +
      "spec: {source: {snapshot: {name: golden}}, resources: {cpu: 2}}\n");
  EXPECT_EQ(bad.code, 1) << bad.said;
  EXPECT_NE(bad.said.find("cpu"), std::string::npos) << bad.said;
  EXPECT_EQ(run("check /nowhere/file.yaml").code, 1);
}

}  // namespace
