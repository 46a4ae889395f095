// The transport of the command line against a real API server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/kube/client.h"
#include "controller/kube/config/find_access.h"
#include "controller/kube/cpprest/cpprest_transport.h"
#include "tests/controller/api/objects.h"
#include "tests/controller/kube/server/environment.h"

namespace chrysalis::kube::testing {
namespace {

const SystemClock kClock;

TEST(CppRestOnServer, CreatesReadsAppliesAndDeletes) {
  const auto access =
      find_access({.kubeconfig_flag = server().kubeconfig_path()});
  ASSERT_TRUE(access) << access.error().message;
  const auto transport = cpprest::CppRestTransport::make(*access, kClock);
  ASSERT_TRUE(transport) << transport.error().message;
  Client client(**transport, kClock);
  const auto made =
      client.create(kVms, "default",
                    api::object_of(api::Kind::kVirtualMachine, "cpprest",
                                   R"({"source":{"image":{"name":"i"}}})"));
  ASSERT_TRUE(made) << made.error().message;
  const auto applied = client.apply_status(
      kVms, {{"default", "cpprest"}, made->meta.resource_version},
      {{"phase", "Starting"}});
  ASSERT_TRUE(applied) << applied.error().message;
  const auto listed = client.list(
      {.resource = kVms, .field_selector = "metadata.name=cpprest"});
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->items.size(), 1U);
  EXPECT_EQ(listed->items[0].meta.resource_version,
            applied->meta.resource_version);
  ASSERT_TRUE(client.remove(kVms, {"default", "cpprest"}, made->meta.uid));
  const auto gone = client.get(kVms, {"default", "cpprest"});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace chrysalis::kube::testing
