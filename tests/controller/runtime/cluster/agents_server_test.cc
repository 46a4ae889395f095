// Leases on a real server: an agent's heartbeat, and the controller's roster
// that judges it by its own clock.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/runtime/cluster/agent_roster.h"
#include "controller/runtime/cluster/kube_lease.h"
#include "controller/runtime/heartbeat_thread.h"
#include "tests/controller/kube/server/environment.h"
#include "tests/controller/runtime/cluster/watched.h"

namespace chrysalis::runtime::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class AgentsOnServer : public ::testing::Test {
 protected:
  static api::AgentFacts facts() {
    return {.memory = model::Bytes{uint64_t{8} << 30},
            .cpus = 4,
            .programs = {{model::Hypervisor::kFirecracker, "v1.13.1", ""}}};
  }
  std::optional<reconcile::Agent> agent(const AgentRoster& roster,
                                        const std::string& node) {
    for (const reconcile::Agent& one : roster.agents())
      if (one.node == node) return one;
    return std::nullopt;
  }
  LeapTimer timer_;
  std::unique_ptr<kube::Transport> transport_ =
      kube::testing::transport_as(kube::testing::As::kCertificate);
  kube::Client client_{*transport_, timer_};
};

TEST_F(AgentsOnServer, ALeaseKeepsOthersAnnotationsAndRefusesOldVersions) {
  KubeLease lease(client_, {"default", "some-lease"});
  const auto none = lease.get();
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_FALSE(*none);
  LeaseRecord record;
  record.holder = "me";
  record.duration_seconds = 15;
  record.annotations = {{"chrysalis.dev/cpu", "4"}};
  auto made = lease.write(record);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(lease.write(record).error().code, Code::kConflict) << "exists";

  ASSERT_EQ(kube::testing::server()
                .kubectl({"annotate", "lease/some-lease", "example.com/x=1"})
                .exit,
            0);
  EXPECT_EQ(lease.write(*made).error().code, Code::kConflict) << "moved on";
  auto seen = lease.get();
  ASSERT_TRUE(seen && *seen);
  EXPECT_THAT((*seen)->annotations,
              ElementsAre(Pair("chrysalis.dev/cpu", "4")));
  (*seen)->annotations["chrysalis.dev/cpu"] = "8";
  ASSERT_TRUE(lease.write(**seen));
  const auto stored = client_.get_lease({"default", "some-lease"});
  ASSERT_TRUE(stored);
  EXPECT_THAT(stored->annotations, ElementsAre(Pair("chrysalis.dev/cpu", "8"),
                                               Pair("example.com/x", "1")));
}

TEST_F(AgentsOnServer, ARosterSeesAnAgentLiveItsNodeGoAndItsSilence) {
  AgentRoster roster({client_, *transport_, timer_}, "default");
  std::atomic<int> changes = 0;
  roster.on_change([&] { ++changes; });
  roster.start();
  ASSERT_TRUE(eventually([&] { return roster.synced(); }));
  EXPECT_FALSE(agent(roster, "r1"));

  ASSERT_TRUE(client_.create(kube::kNodes, "",
                             {{"apiVersion", "v1"},
                              {"kind", "Node"},
                              {"metadata", {{"name", "r1"}}}}));
  KubeLease lease(client_, {"default", agent_lease_name("r1")});
  std::optional<HeartbeatThread> heart(
      std::in_place, "r1", api::encode_agent_facts(facts()), lease, timer_);
  ASSERT_TRUE(eventually([&] {
    const auto one = agent(roster, "r1");
    return one && one->node_exists && !one->programs.empty();
  }));
  EXPECT_TRUE(agent(roster, "r1")->alive);
  EXPECT_EQ(agent(roster, "r1")->allocatable, facts().memory);
  EXPECT_EQ(agent(roster, "r1")->programs, facts().programs);
  EXPECT_GT(changes, 0);

  heart.reset();
  const int before = changes;
  timer_.leap(kAgentLostAfter + seconds(1));
  ASSERT_TRUE(eventually([&] { return !agent(roster, "r1")->alive; }));
  ASSERT_TRUE(eventually([&] { return changes > before; }));

  heart.emplace("r1", api::encode_agent_facts(facts()), lease, timer_);
  ASSERT_TRUE(eventually([&] { return agent(roster, "r1")->alive; }));
  heart.reset();
  ASSERT_TRUE(client_.remove(kube::kNodes, {"", "r1"}));
  ASSERT_TRUE(eventually([&] { return !agent(roster, "r1")->node_exists; }));
}

// The leases of a namespace that was deleted and made anew come late: until
// the time of a lost agent is over, a Node that exists is not lost.
TEST_F(AgentsOnServer, ANodeWithoutALeaseIsLostByTimeAndNotGone) {
  ASSERT_TRUE(client_.create(kube::kNodes, "",
                             {{"apiVersion", "v1"},
                              {"kind", "Node"},
                              {"metadata", {{"name", "bare"}}}}));
  AgentRoster roster({client_, *transport_, timer_}, "default");
  std::atomic<int> changes = 0;
  roster.on_change([&] { ++changes; });
  roster.start();
  ASSERT_TRUE(eventually([&] { return roster.synced(); }));
  ASSERT_TRUE(agent(roster, "bare"));
  EXPECT_TRUE(agent(roster, "bare")->alive);
  const int before = changes;
  timer_.leap(kAgentLostAfter + seconds(1));
  ASSERT_TRUE(eventually([&] { return !agent(roster, "bare")->alive; }));
  EXPECT_TRUE(agent(roster, "bare")->node_exists);
  ASSERT_TRUE(eventually([&] { return changes > before; }));
  ASSERT_TRUE(client_.remove(kube::kNodes, {"", "bare"}));
  ASSERT_TRUE(eventually([&] { return !agent(roster, "bare"); }));
}

// A watch that says nothing, as one that is blind does; calls get through.
class Blind final : public kube::Transport {
 public:
  explicit Blind(kube::Transport& inner) : inner_(inner) {}
  std::atomic<bool> blind = false;

  Result<kube::Response> send(const kube::Request& request, Mono deadline,
                              std::stop_token stop) override {
    return inner_.send(request, deadline, std::move(stop));
  }
  Result<kube::StreamOutcome> stream(const kube::Request& request,
                                     kube::StreamSink& sink,
                                     const kube::StreamLimits& limits,
                                     std::stop_token stop) override {
    struct Filter : kube::StreamSink {
      kube::StreamSink& to;
      std::atomic<bool>& shut;
      Filter(kube::StreamSink& t, std::atomic<bool>& s) : to(t), shut(s) {}
      bool opened() override { return to.opened(); }
      bool data(std::string_view piece) override {
        return shut ? true : to.data(piece);
      }
      std::optional<Mono> wake() override { return to.wake(); }
    } filter(sink, blind);
    return inner_.stream(request, filter, limits, std::move(stop));
  }
  void refresh_credential() override {}

 private:
  kube::Transport& inner_;
};

TEST_F(AgentsOnServer, ABlindWatchDeclaresNobodyLost) {
  Blind transport(*transport_);
  kube::Client client(transport, timer_);
  KubeLease lease(client_, {"default", agent_lease_name("r2")});
  LeaseRecord record;
  record.holder = "r2";
  record.duration_seconds = 40;
  record.renew_time = timer_.wall();
  record.annotations = api::encode_agent_facts(facts());
  auto written = lease.write(record);
  ASSERT_TRUE(written) << written.error().message;
  AgentRoster roster({client, transport, timer_}, "default");
  roster.start();
  ASSERT_TRUE(eventually([&] { return agent(roster, "r2").has_value(); }));

  transport.blind = true;
  written->renew_time = timer_.wall() + seconds(1);
  written = lease.write(*written);
  ASSERT_TRUE(written) << written.error().message;
  timer_.leap(kAgentLostAfter + seconds(1));
  // Asked, it was renewed: the next silence counts from now.
  ASSERT_TRUE(timer_.await_wait(kAgentLostAfter - seconds(10)));
  EXPECT_TRUE(agent(roster, "r2")->alive);
  timer_.leap(kAgentLostAfter + seconds(1));
  ASSERT_TRUE(eventually([&] { return !agent(roster, "r2")->alive; }));
}

}  // namespace
}  // namespace chrysalis::runtime::testing
