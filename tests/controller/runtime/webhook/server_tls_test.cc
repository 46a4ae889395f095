#include "controller/runtime/webhook/server_tls.h"

#include <gtest/gtest.h>

#include "tests/controller/runtime/webhook/client.h"

namespace chrysalis::runtime {
namespace {

TEST(ServerTls, SaysWhichOfTheTwoIsWrong) {
  const auto& good = certificates();
  const auto why = [](const std::string& certificate, const std::string& key) {
    const auto made = ServerTls::make(certificate, key);
    return made ? "" : made.error().message;
  };
  EXPECT_EQ(why(good.server, good.server_key), "");
  EXPECT_TRUE(why("", good.server_key).starts_with("certificate: "));
  EXPECT_TRUE(why("garbage", good.server_key).starts_with("certificate: "));
  EXPECT_TRUE(why(good.server, "").starts_with("key: "));
  EXPECT_TRUE(why(good.server, good.server).starts_with("key: "));
  EXPECT_TRUE(why(good.server, good.client_key).starts_with("key: "));
}

}  // namespace
}  // namespace chrysalis::runtime
