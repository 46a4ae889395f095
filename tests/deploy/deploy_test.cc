#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "tests/kube/api_server.h"

namespace chrysalis {
namespace {

const std::filesystem::path kSource = CHRYSALIS_SOURCE_DIR;

class Deploy : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = kube_tools::ApiServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    const auto installed = server_->install_crds();
    ASSERT_TRUE(installed) << installed.error().message;
  }
  static void TearDownTestSuite() { server_.reset(); }
  static std::unique_ptr<kube_tools::ApiServer> server_;
};
std::unique_ptr<kube_tools::ApiServer> Deploy::server_;

TEST_F(Deploy, TheOverlayOfTheReadmeApplies) {
  const auto built = server_->kubectl({"kustomize", kSource / "deploy"});
  ASSERT_EQ(built.exit, 0) << built.err;
  const auto applied =
      server_->kubectl({"apply", "--server-side", "-f", "-"}, built.out);
  EXPECT_EQ(applied.exit, 0) << applied.err;
  EXPECT_THAT(applied.err, testing::Not(testing::HasSubstr("Warning")));
  // A second time nothing changes: what is applied is what is stored.
  const auto diff =
      server_->kubectl({"diff", "--server-side", "-k", kSource / "deploy"});
  EXPECT_EQ(diff.exit, 0) << diff.out << diff.err;
}

TEST_F(Deploy, EveryExampleAppliesAlone) {
  size_t tried = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(kSource / "deploy/examples")) {
    SCOPED_TRACE(entry.path());
    const auto applied = server_->kubectl({"apply", "-f", entry.path()});
    EXPECT_EQ(applied.exit, 0) << applied.err;
    EXPECT_EQ(server_->kubectl({"delete", "-f", entry.path()}).exit, 0);
    ++tried;
  }
  EXPECT_GE(tried, 5U);
}

}  // namespace
}  // namespace chrysalis
