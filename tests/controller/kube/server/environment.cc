#include "tests/controller/kube/server/environment.h"

#include <gtest/gtest.h>

#include "controller/kube/beast/beast_transport.h"
#include "controller/kube/client.h"
#include "controller/kube/config/find_access.h"

namespace chrysalis::kube::testing {
namespace {

const SystemClock kClock;
std::unique_ptr<kube_tools::ApiServer> running;

class Environment final : public ::testing::Environment {
 public:
  void SetUp() override {
    auto started = kube_tools::ApiServer::start();
    ASSERT_TRUE(started) << started.error().message;
    running = *std::move(started);
    const auto installed = running->install_crds();
    ASSERT_TRUE(installed) << installed.error().message;
  }
  void TearDown() override { running.reset(); }
};
const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new Environment);

}  // namespace

kube_tools::ApiServer& server() { return *running; }

std::unique_ptr<Transport> transport_as(As as) {
  const auto access = find_access(
      {.kubeconfig_flag = as == As::kToken ? server().token_kubeconfig_path()
                                           : server().kubeconfig_path()});
  EXPECT_TRUE(access) << access.error().message;
  auto made = beast::BeastTransport::make(
      *access, kClock, {.user_agent = user_agent("0.0.0", "test")});
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

}  // namespace chrysalis::kube::testing
