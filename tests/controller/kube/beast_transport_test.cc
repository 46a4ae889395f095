// What the Beast transport does beyond the contract: it keeps connections.

#include "controller/kube/beast/beast_transport.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_kube.h"
#include "tests/kube/certificates.h"

namespace chrysalis::kube::beast {
namespace {

using fakes::FakeKube;
using fakes::Reply;
using fakes::SeenRequest;

const SystemClock kClock;

Mono soon() { return kClock.mono() + seconds(20); }

std::unique_ptr<BeastTransport> transport(const Access& access) {
  auto made = BeastTransport::make(access, kClock);
  EXPECT_TRUE(made);
  return *std::move(made);
}

Access to(const FakeKube& server) {
  Access out;
  out.server = server.url();
  return out;
}

Request post(const std::string& body) {
  return {.method = Method::kPost,
          .target = "/x",
          .content_type = "application/json",
          .body = body};
}

TEST(BeastTransport, KeepsAConnectionForTheNextCall) {
  FakeKube server([](const SeenRequest&, Reply& r) { r.answer(200, "a"); });
  const auto kube = transport(to(server));
  ASSERT_TRUE(kube->send({.target = "/1"}, soon(), {}));
  ASSERT_TRUE(kube->send({.target = "/2"}, soon(), {}));
  EXPECT_EQ(server.requests().at(1).connection, 0);
}

TEST(BeastTransport, RepeatsAGetOnADeadKeptConnectionButNeverAPost) {
  for (const bool is_post : {false, true}) {
    // Reads the second request whole, then breaks: the peek cannot see it.
    FakeKube server([](const SeenRequest& request, Reply& reply) {
      if (request.target == "/1" || request.connection == 1)
        reply.answer(200, "a");
      else
        reply.drop();
    });
    const auto kube = transport(to(server));
    ASSERT_TRUE(kube->send({.target = "/1"}, soon(), {}));
    const auto second =
        kube->send(is_post ? post("{}") : Request{.target = "/2"}, soon(), {});
    EXPECT_EQ(second.has_value(), !is_post);
    EXPECT_EQ(server.requests().size(), is_post ? 2U : 3U);
    if (is_post) {
      EXPECT_EQ(second.error().code, Code::kUnavailable);
    }
  }
}

TEST(BeastTransport, KeepsATlsConnection) {
  const auto certificates = kube_tools::make_certificates();
  ASSERT_TRUE(certificates);
  FakeKube server(
      [](const SeenRequest&, Reply& r) { r.answer(200, "ok"); },
      fakes::FakeTls{certificates->server, certificates->server_key, ""});
  Access access;
  access.server = server.url("localhost");
  access.ca.data = certificates->ca;
  const auto kube = transport(access);
  ASSERT_TRUE(kube->send({.target = "/"}, soon(), {}));
  ASSERT_TRUE(kube->send({.target = "/"}, soon(), {}));
  EXPECT_EQ(server.requests().at(1).connection, 0);
}

}  // namespace
}  // namespace chrysalis::kube::beast
