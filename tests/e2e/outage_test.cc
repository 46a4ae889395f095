// The API server goes and comes, or is not there at first. VMs run on, nobody
// exits, and work is taken up again.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <iostream>
#include <string>

#include "tests/e2e/world/changes.h"
#include "tests/e2e/world/cluster.h"

namespace chrysalis::e2e {
namespace {

using model::Hypervisor;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Outage : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_own_namespaces())
      GTEST_SKIP() << "SKIPPED LOUDLY: needs root, for namespaces and TAPs";
  }
  // For the tests that follow, whatever became of this one.
  void TearDown() override {
    if (stopped_) come_back();
  }
  void go_away() {
    api_server().stop();
    stopped_ = true;
  }
  void come_back() {
    const auto up = api_server().restart();
    ASSERT_TRUE(up) << up.error().message;
    stopped_ = false;
  }

 private:
  bool stopped_ = false;
};

// In the place of a server that is down: takes connections and drops them.
class Dropper {
 public:
  explicit Dropper(const std::string& url)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    address.sin_port = ::htons(
        static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address),
                     sizeof address),
              0);
    EXPECT_EQ(::listen(fd_.get(), 64), 0);
  }
  // Waits, bounded, for so many of them.
  bool drop(int count) {
    for (int n = 0; n < count; ++n) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 60'000) <= 0) return false;
      const UniqueFd dropped(
          ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    return true;
  }

 private:
  UniqueFd fd_;
};

// More than they have loops, so some come twice; each then waits 800 ms first.
// A lower bound of time is no race: a slow machine is only later.
void expect_back_off() {
  Dropper dropper(api_server().url());
  const Mono begin = in(milliseconds{0});
  EXPECT_TRUE(dropper.drop(10));
  const auto took =
      std::chrono::duration_cast<milliseconds>(in(milliseconds{0}) - begin);
  std::cout << "10 connections in " << took.count() << " ms\n";
  EXPECT_GE(took, milliseconds{500}) << "they try without a pause";
}

TEST_F(Outage, OfTheServerCostsNoVmAndWorkGoesOnAfterIt) {
  Cluster world;
  const Manifest app = image_vm("app", Hypervisor::kCloudHypervisor);
  world.apply(app);
  const json before = world.until_ready(app.id);
  const auto pids = world.host().vmms();

  // One is in the middle of it: wherever that is, it comes to its end.
  const Manifest amid = image_vm("amid", Hypervisor::kFirecracker);
  world.apply(amid);
  go_away();
  expect_back_off();
  EXPECT_TRUE(world.agent().says("is not reachable")) << world.logs();
  EXPECT_TRUE(world.controller(0).says("is not reachable")) << world.logs();
  come_back();
  EXPECT_EQ(world.host().vmms()[text_at(before, "/metadata/uid")],
            pids.begin()->second);
  EXPECT_TRUE(world.agent().runs()) << world.agent().said();
  if (!world.controller(0).runs()) {
    // A leader that could not renew in time ends, for its Deployment to start
    // it again: so long an outage is a matter of this machine's load.
    EXPECT_THAT(world.controller(0).said(), HasSubstr("lost to time"));
    world.start_controller();
  }

  Manifest next = image_vm("next", Hypervisor::kFirecracker);
  world.apply(next);
  world.until_ready(next.id);
  world.until_ready(amid.id);
  EXPECT_THAT(world.host().vmms(), SizeIs(3));
  EXPECT_EQ(world.until_ready(app.id), before) << "written, though unchanged";
  world.remove({app.id, next.id, amid.id});
  EXPECT_THAT(world.host().leftovers(), IsEmpty());
  EXPECT_EQ(world.stop_agent(), 0) << world.logs();
}

// The finalizer holds the object until its agent is back.
TEST_F(Outage, OfTheAgentHoldsADeletionUpAndNoMore) {
  Cluster world;
  const Manifest app = image_vm("app", Hypervisor::kFirecracker);
  world.apply(app);
  world.until_ready(app.id);
  const auto pids = world.host().vmms();
  world.kill_agent();
  const auto asked =
      world.kubectl({"delete", to_string(app.id), "--wait=false"});
  EXPECT_EQ(asked.exit, 0) << asked.err;
  const json held = world.until(app.id, [](const json& object) {
    return !text_at(object, "/metadata/deletionTimestamp").empty();
  });
  EXPECT_THAT(at(held, "/metadata/finalizers"), SizeIs(1));
  EXPECT_EQ(world.host().vmms(), pids);
  world.start_agent();
  const auto gone = world.kubectl(
      {"wait", to_string(app.id), "--for=delete", "--timeout=60s"});
  EXPECT_EQ(gone.exit, 0) << gone.err;
  EXPECT_THAT(world.host().leftovers(), IsEmpty());
}

TEST_F(Outage, AtTheStartIsWaitedFor) {
  Cluster world({.controller = false, .agent = false});
  go_away();
  // It stays, and works once it knows that its node's name is its own.
  world.start_agent("agent lease not read");
  world.start_controller();
  come_back();
  EXPECT_TRUE(world.agent().says("agent runs")) << world.logs();
  EXPECT_TRUE(world.agent().runs()) << world.agent().said();
  EXPECT_TRUE(world.controller(0).runs()) << world.controller(0).said();
  const Manifest app = image_vm("app", Hypervisor::kCloudHypervisor);
  world.apply(app);
  world.until_ready(app.id);
  world.remove({app.id});
}

}  // namespace
}  // namespace chrysalis::e2e
