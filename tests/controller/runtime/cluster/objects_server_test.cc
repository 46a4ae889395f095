// The objects of an API server: written with a precondition, read back, and
// held until the cache has seen the write. On a real server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include <nlohmann/json.hpp>

#include "controller/runtime/cluster/kube_objects.h"
#include "tests/controller/api/objects.h"
#include "tests/controller/kube/server/environment.h"
#include "tests/controller/runtime/cluster/watched.h"

namespace chrysalis::runtime::testing {
namespace {

using api::VirtualMachine;
using api::VmStatus;
using kube::testing::kVms;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Vms = KubeObjects<VirtualMachine>;

constexpr const char* kFinalizer = "chrysalis.dev/node-0123456789abcdef";

// Breaks at write k: before it is sent, or after it was carried out. Whatever
// comes later fails too: this process is dead.
class Dying final : public kube::Transport {
 public:
  Dying(kube::Transport& inner, int at_write, bool after)
      : inner_(inner), left_(at_write), after_(after) {}

  [[nodiscard]] bool dead() const { return dead_; }
  Result<kube::Response> send(const kube::Request& request, Mono deadline,
                              std::stop_token stop) override {
    if (dead_) return fail(Code::kUnavailable, "dead");
    if (request.method == kube::Method::kGet || --left_ != 0)
      return inner_.send(request, deadline, stop);
    dead_ = true;
    if (after_) (void)inner_.send(request, deadline, stop);
    return fail(Code::kUnavailable, "dead");
  }
  Result<kube::StreamOutcome> stream(const kube::Request& request,
                                     kube::StreamSink& sink,
                                     const kube::StreamLimits& limits,
                                     std::stop_token stop) override {
    return inner_.stream(request, sink, limits, std::move(stop));
  }
  void refresh_credential() override { inner_.refresh_credential(); }

 private:
  kube::Transport& inner_;
  int left_;
  const bool after_;
  std::atomic<bool> dead_ = false;
};

class ObjectsOnServer : public ::testing::Test {
 protected:
  static VmStatus status_on(const std::string& node) {
    VmStatus status;
    status.observed_generation = 1;
    status.node_name = node;
    status.phase = api::VmPhase::kRunning;
    return status;
  }
  ObjectKey create(const std::string& name) {
    const auto made =
        client_.create(kVms, "default",
                       api::object_of(api::Kind::kVirtualMachine, name,
                                      R"({"source":{"image":{"name":"i"}}})"));
    EXPECT_TRUE(made) << made.error().message;
    return {"default", name};
  }
  std::unique_ptr<Vms> watch(const std::string& selector = "") {
    auto vms = std::make_unique<Vms>(Vms::Deps{client_, *transport_, timer_},
                                     selector);
    vms->start();
    EXPECT_TRUE(vms->wait_until_synced(timer_.mono() + seconds(20)));
    return vms;
  }
  static VirtualMachine read(Vms& vms, const ObjectKey& key) {
    const auto object = vms.read(key);
    EXPECT_TRUE(object) << object.error().message;
    EXPECT_TRUE(object && *object);
    return object && *object ? **object : VirtualMachine{};
  }

  LeapTimer timer_;
  std::unique_ptr<kube::Transport> transport_ =
      kube::testing::transport_as(kube::testing::As::kCertificate);
  kube::Client client_{*transport_, timer_};
};

TEST_F(ObjectsOnServer, WritesTheWholeStatusAndHoldsTheKeyUntilItIsSeen) {
  const ObjectKey key = create("whole-status");
  const auto vms = watch();
  ASSERT_TRUE(eventually([&] { return vms->get(key) != nullptr; }));
  VmStatus status = status_on("n1");
  status.restarts = 3;
  ASSERT_TRUE(vms->write_status(*vms->get(key), status));
  ASSERT_TRUE(eventually([&] { return !vms->held_until(key, timer_.mono()); }));
  ASSERT_EQ(vms->get(key)->status, status) << "free, so the cache has it";
  // What the next apply leaves out is gone.
  status.restarts.reset();
  ASSERT_TRUE(vms->write_status(*vms->get(key), status));
  EXPECT_EQ(read(*vms, key).status, status);
}

TEST_F(ObjectsOnServer, WritesNothingWhenTheStatusStandsAlready) {
  const ObjectKey key = create("stands-already");
  const auto vms = watch();
  ASSERT_TRUE(vms->write_status(read(*vms, key), status_on("n1")));
  const VirtualMachine now = read(*vms, key);
  EXPECT_TRUE(vms->write_status(now, now.status));
  EXPECT_EQ(read(*vms, key).meta.resource_version, now.meta.resource_version);
}

TEST_F(ObjectsOnServer, AWriteOnTopOfAnOldVersionIsAConflict) {
  const ObjectKey key = create("conflict");
  const auto vms = watch();
  const VirtualMachine old = read(*vms, key);
  ASSERT_TRUE(vms->write_status(old, status_on("n1")));
  const auto late = vms->write_status(old, status_on("n2"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kConflict);
  const auto finalizer = vms->set_finalizer(old, kFinalizer, true);
  ASSERT_FALSE(finalizer);
  EXPECT_EQ(finalizer.error().code, Code::kConflict);
  EXPECT_EQ(read(*vms, key).status.node_name, "n1");
  EXPECT_THAT(read(*vms, key).meta.finalizers, IsEmpty());
}

TEST_F(ObjectsOnServer, AFinalizerHoldsTheObjectUntilItIsTakenAway) {
  const ObjectKey key = create("finalizer");
  const auto vms = watch();
  ASSERT_TRUE(vms->set_finalizer(read(*vms, key), kFinalizer, true));
  ASSERT_TRUE(client_.remove(kVms, {key.ns, key.name}));
  const VirtualMachine going = read(*vms, key);
  EXPECT_TRUE(going.meta.deleted_at);
  EXPECT_THAT(going.meta.finalizers, ElementsAre(kFinalizer));
  const auto another = vms->set_finalizer(going, "chrysalis.dev/late", true);
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, Code::kInvalid);
  ASSERT_TRUE(vms->set_finalizer(going, kFinalizer, false));
  ASSERT_TRUE(eventually([&] { return vms->get(key) == nullptr; }));
  const auto gone = vms->read(key);
  ASSERT_TRUE(gone);
  EXPECT_EQ(*gone, nullptr);
  const auto late = vms->write_status(going, status_on("n1"));
  EXPECT_FALSE(late);
}

TEST_F(ObjectsOnServer, Case23_AnAgentSeesWhatIsOnItsNodeAndReadsTheRest) {
  const ObjectKey mine = create("on-mine");
  const ObjectKey other = create("on-other");
  const auto all = watch();
  const auto agent = watch(on_node("mine"));
  ASSERT_TRUE(all->write_status(read(*all, mine), status_on("mine")));
  ASSERT_TRUE(all->write_status(read(*all, other), status_on("other")));
  ASSERT_TRUE(eventually([&] { return agent->get(mine) != nullptr; }));
  EXPECT_EQ(agent->list().size(), 1U);
  EXPECT_EQ(read(*agent, other).status.node_name, "other");
  ASSERT_TRUE(all->write_status(read(*all, mine), status_on("other")));
  ASSERT_TRUE(eventually([&] { return agent->list().empty(); }));
}

// One object through all of its writes, each computed from what is read.
// False: something failed, observe again.
bool bring_to_the_end(Vms& vms, const ObjectKey& key, kube::Client& user) {
  for (int turn = 0; turn < 10; ++turn) {
    const auto object = vms.read(key);
    if (!object) return false;
    if (!*object) return true;
    const VirtualMachine& vm = **object;
    Result<> done;
    if (vm.meta.deleted_at) {
      done = vms.set_finalizer(vm, kFinalizer, false);
    } else if (!vm.meta.has_finalizer(kFinalizer)) {
      done = vms.set_finalizer(vm, kFinalizer, true);
    } else if (!vm.status.restarts) {
      VmStatus status = vm.status;
      status.restarts = 1;
      done = vms.write_status(vm, status);
    } else {
      done = user.remove(kVms, {key.ns, key.name});
    }
    if (!done) return false;
  }
  return false;
}

TEST_F(ObjectsOnServer, Case44_ACrashAtEachWriteEndsInTheSameState) {
  for (const bool after : {false, true}) {
    for (int k = 1; k <= 3; ++k) {
      SCOPED_TRACE(std::to_string(k) + (after ? " after" : " before"));
      const ObjectKey key =
          create("crash-" + std::to_string(k) + (after ? "-after" : "-before"));
      Dying transport(*transport_, k, after);
      {
        kube::Client client(transport, timer_);
        Vms first({client, transport, timer_}, "");
        EXPECT_FALSE(bring_to_the_end(first, key, client_));
        EXPECT_TRUE(transport.dead());
      }
      Vms second({client_, *transport_, timer_}, "");
      EXPECT_TRUE(bring_to_the_end(second, key, client_));
      EXPECT_EQ(*second.read(key), nullptr);
    }
  }
}

}  // namespace
}  // namespace chrysalis::runtime::testing
