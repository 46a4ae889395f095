// Case 50, small: random writes, with a restart of the API server among them;
// the cache ends equal to a list that somebody else makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include <nlohmann/json.hpp>

#include "controller/kube/client.h"
#include "controller/runtime/cluster/reflector.h"
#include "tests/controller/kube/server/environment.h"
#include "tests/controller/runtime/cluster/watched.h"

namespace chrysalis::runtime::testing {
namespace {

using nlohmann::json;
using Versions = std::map<std::string, std::string>;  // name -> version

Result<std::shared_ptr<const void>> version(const kube::ObjectMeta& meta,
                                            kube::PaddedJson) {
  return std::make_shared<const std::string>(meta.resource_version);
}

class Shadow : public ::testing::Test {
 protected:
  static json node(const std::string& name) {
    return {
        {"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", name}}}};
  }
  // One random write; its outcome does not matter, the list will tell.
  void write_something() {
    const std::string name = "shadow-" + std::to_string(random_() % 20);
    switch (random_() % 3) {
      case 0:
        (void)client_.create(kube::kNodes, "", node(name));
        break;
      case 1:
        (void)client_.call(kube::merge_patch_request(
            kube::kNodes, {"", name},
            {{"metadata", {{"labels", {{"x", std::to_string(random_())}}}}}}));
        break;
      default:
        (void)client_.remove(kube::kNodes, {"", name});
    }
  }
  Versions listed() {
    Versions out;
    const auto list = client_.list({.resource = kube::kNodes});
    EXPECT_TRUE(list) << list.error().message;
    if (list)
      for (const auto& item : list->items)
        out[item.meta.name] = item.meta.resource_version;
    return out;
  }
  Versions held() const {
    Versions out;
    for (const ObjectKey& key : store_.core().keys())
      if (const auto one = store_.get(key)) out[key.name] = *one;
    return out;
  }

  LeapTimer timer_;
  std::unique_ptr<kube::Transport> transport_ =
      kube::testing::transport_as(kube::testing::As::kCertificate);
  kube::Client client_{*transport_, timer_};
  std::mt19937 random_{20'261'124};
  Store<std::string> store_;
};

TEST_F(Shadow, Case50_TheStoreEqualsAListAfterRandomWritesAndARestart) {
  ReflectorOptions options;
  options.metadata_only = true;
  options.watch.backoff_first = milliseconds(50);
  options.watch.backoff_cap = milliseconds(200);
  Reflector reflector({*transport_, store_.core(), timer_},
                      {.resource = kube::kNodes}, version, options);
  reflector.start();
  ASSERT_TRUE(reflector.wait_until_synced(timer_.mono() + seconds(20)));
  for (int i = 0; i < 300; ++i) {
    write_something();
    if (i != 150) continue;
    kube::testing::server().stop();
    ASSERT_TRUE(kube::testing::server().restart());
  }
  ASSERT_TRUE(client_.create(kube::kNodes, "", node("shadow-end")));
  ASSERT_TRUE(
      eventually([&] { return store_.get({"", "shadow-end"}) != nullptr; }));
  EXPECT_EQ(held(), listed());
  // Its first, and one more if the new server's memory begins behind what was
  // seen of the old one.
  EXPECT_THAT(reflector.count(kube::Counter::kRelists),
              ::testing::AllOf(::testing::Ge(1U), ::testing::Le(2U)));
  reflector.stop();
}

}  // namespace
}  // namespace chrysalis::runtime::testing
