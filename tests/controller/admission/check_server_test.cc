// The same texts through `kubectl create` on a real API server and through the
// offline check: both refuse, in the same words, or both accept.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "controller/admission/check.h"
#include "tests/kube/api_server.h"

namespace chrysalis::admission {
namespace {

using kube_tools::ApiServer;
using testing::HasSubstr;

std::string manifest(const std::string& spec, const std::string& name = "a") {
  return "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
         "metadata: {name: " +
         name + "}\nspec:\n" + spec;
}
const std::string kImage = "  source: {image: {name: i}}\n";

std::string repeated(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}
std::string snapshot(const std::string& more) {
  return "apiVersion: chrysalis.dev/v1alpha1\nkind: VMSnapshot\n"
         "metadata: {name: s}\nspec:\n"
         "  source: {virtualMachine: {name: a}}\n" +
         more;
}

class CheckOnServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = ApiServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started).release();
    const auto installed = server_->install_crds();
    ASSERT_TRUE(installed) << installed.error().message;
  }
  static void TearDownTestSuite() { delete server_; }

  static auto send(const std::string& text) {
    return server_->kubectl({"create", "--dry-run=server", "-f", "-"}, text);
  }
  static Report check_one(const std::string& text) {
    const Input inputs[] = {{"vm.yaml", text}};
    return check(inputs);
  }

  static ApiServer* server_;
};
ApiServer* CheckOnServer::server_ = nullptr;

TEST_F(CheckOnServer, BothRefuseInTheSameWords) {
  std::string nested = "  deep:\n";
  for (size_t i = 0; i < 40; ++i) nested += std::string(4 + i, ' ') + "a:\n";
  const std::string texts[] = {
      manifest(kImage + "  cpus: 2\n"),
      manifest(kImage + nested),
      manifest(kImage + "  resources: {cpu: two}\n"),
      manifest(kImage + "  resources: {cpu: 1.5}\n"),
      manifest(kImage + "  resources: {memory: 1.5}\n"),
      manifest(kImage + "  nodeName: 1.5\n"),
      manifest(kImage + "  nodeName: 7\n"),
      manifest(kImage + "  windows: 1.5\n"),
      manifest(kImage + "  resources: {cpu: -1}\n"),
      manifest(kImage + "  resources: {cpu: 99999999999999999999}\n"),
      manifest(kImage + "  resources: {nics: 9}\n"),
      manifest(kImage + "  resources: {memory: 1.5Gi}\n"),
      manifest(kImage + "  resources: {memory: -1}\n"),
      manifest(kImage + "  resources: 3\n"),
      manifest(kImage + "  powerState: on\n"),
      manifest(kImage + "  powerState: Sleeping\n"),
      manifest(kImage + "  windows: \"no\"\n"),
      manifest(kImage + "  nodeName: 0755\n"),
      manifest("  source: {image: {}}\n"),
      manifest("  source: {}\n"),
      manifest("  powerState: Running\n"),
      manifest("  source: {image: {name: i}, snapshot: {name: s}}\n"),
      manifest("  source: {snapshot: {name: s}}\n  resources: {cpu: 2}\n"),
      manifest(kImage, std::string(64, 'a')),
      manifest(kImage, "Upper"),
      manifest("  source: {image: {name: null}}\n"),
      manifest("  source:\n"),
      snapshot("  description: " + repeated("\u044f", 1025) + "\n"),
  };
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    const auto refused = send(text);
    EXPECT_NE(refused.exit, 0) << refused.out;
    const Report report = check_one(text);
    EXPECT_EQ(report.exit_code(), 1);
    for (const Finding& finding : report.findings)
      if (finding.verdict.severity == Severity::kRefused) {
        EXPECT_THAT(refused.err, HasSubstr(finding.verdict.fault.message));
      }
  }
}

TEST_F(CheckOnServer, BothAcceptTheSameWaysOfWriting) {
  const std::string texts[] = {
      manifest(kImage + "  windows: no\n"),
      manifest(kImage + "  noDirectIO: on\n"),
      manifest(kImage + "  resources: {cpu: 010}\n"),
      manifest(kImage + "  resources: {cpu: 0x10}\n"),
      manifest(kImage + "  resources: {cpu: 2.0}\n"),
      manifest(kImage + "  resources: {cpu: 1e2}\n"),
      manifest(kImage + "  queueSize: 0b100\n"),
      manifest(kImage + "  resources: {memory: 1_073_741_824}\n"),
      manifest(kImage + "  resources: {memory: 1Gi}\n"),
      manifest("  source: {image: &x {name: i}}\n"),
      manifest(kImage + "  # a comment\n  nodeName: \"0755\"\n"),
      manifest(kImage + "  nodeName: ip-10-0-0-1.eu-west-1.example.com\n"),
      manifest(kImage + "  nodeName:\n  powerState: null\n  resources:\n"),
      snapshot("  description: " + repeated("\u044f", 600) + "\n"),
  };
  for (const std::string& text : texts) {
    SCOPED_TRACE(text);
    const auto accepted = send(text);
    EXPECT_EQ(accepted.exit, 0) << accepted.err;
    EXPECT_EQ(check_one(text).exit_code(), 0) << to_text(check_one(text));
  }
}

TEST_F(CheckOnServer, TextThatKubectlCannotReadIsRefusedByBoth) {
  for (const std::string& text :
       {std::string("a: [1\nb: 2\n"), manifest("\tsource: {}\n"),
        std::string("apiVersion: chrysalis.dev/v1alpha1\nkind: Nothing\n"
                    "metadata: {name: a}\n"),
        std::string("kind: VirtualMachine\nmetadata: {name: a}\n")}) {
    SCOPED_TRACE(text);
    EXPECT_NE(send(text).exit, 0);
    EXPECT_EQ(check_one(text).exit_code(), 1);
  }
}

// kubectl takes the last of two equal keys; nobody meant that.
TEST_F(CheckOnServer, OursIsStricterWhereATextHasTwoReadings) {
  const std::string text = manifest(kImage + kImage);
  EXPECT_EQ(send(text).exit, 0);
  EXPECT_EQ(check_one(text).exit_code(), 1);
}

}  // namespace
}  // namespace chrysalis::admission
