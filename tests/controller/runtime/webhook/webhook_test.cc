#include "controller/runtime/webhook/webhook.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/admission/review/request.h"
#include "tests/controller/admission/review/reviews.h"
#include "tests/controller/api/objects.h"
#include "tests/controller/runtime/webhook/client.h"

namespace chrysalis::runtime {
namespace {

using nlohmann::json;

class WebhookTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = start_webhook({"127.0.0.1", 0}, test_tls);
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
    client_.emplace(server_->port());
    ASSERT_TRUE(client_->handshake());
  }
  json review(const char* spec) {
    const Told told = client_->ask(
        post(admission::review_of(
                 api::Kind::kVirtualMachine, "CREATE",
                 api::object_of(api::Kind::kVirtualMachine, "a", spec))
                 .dump()));
    EXPECT_EQ(told.status, 200);
    return json::parse(told.body)["response"];
  }

  std::unique_ptr<HttpsServer> server_;
  std::optional<TestClient> client_;
};

TEST_F(WebhookTest, JudgesReviewAfterReview) {
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(review(R"({"source":{"image":{"name":"i"}}})")["allowed"], true);
    const json refused =
        review(R"({"source":{"snapshot":{"name":"s"}},"resources":{"cpu":2}})");
    EXPECT_EQ(refused["allowed"], false);
    EXPECT_EQ(refused["status"]["details"]["causes"][0]["field"],
              "spec.resources.cpu");
  }
}

TEST_F(WebhookTest, WhatIsNoReviewIsA400AndTheConnectionLives) {
  for (const char* body : {"", "{", "[]", "\xff", "{\"kind\":\"X\"}"})
    EXPECT_EQ(client_->ask(post(body)).status, 400) << body;
  EXPECT_EQ(review(R"({"source":{"image":{"name":"i"}}})")["allowed"], true);
}

TEST_F(WebhookTest, ThreeMebibytesAreReadAndNoMore) {
  std::string body = admission::review_of(
                         api::Kind::kVirtualMachine, "CREATE",
                         api::object_of(api::Kind::kVirtualMachine, "a",
                                        R"({"source":{"image":{"name":"i"}}})"))
                         .dump();
  body.insert(1, std::string(admission::kMaxReviewBytes - body.size(), ' '));
  EXPECT_EQ(client_->ask(post(body)).status, 200);
  EXPECT_EQ(client_->ask(post(body + " ")).status, 413);
}

}  // namespace
}  // namespace chrysalis::runtime
