#include "tests/controller/kube/transport/transport_contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "tests/fakes/fake_kube.h"
#include "tests/kube/certificates.h"

namespace chrysalis::kube::testing {
namespace {

using fakes::FakeKube;
using fakes::Reply;
using fakes::SeenRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const SystemClock kClock;

Mono soon(milliseconds in = seconds(20)) { return kClock.mono() + in; }

Access to(const FakeKube& server) {
  Access out;
  out.server = server.url();
  return out;
}

const kube_tools::Certificates& certificates() {
  static const auto kMade = kube_tools::make_certificates();
  return *kMade;
}

Request post(const std::string& body) {
  return {.method = Method::kPost,
          .target = "/x",
          .content_type = "application/json",
          .body = body};
}

// Collects; ends the stream after `until` bytes.
struct Collect : StreamSink {
  std::string body;
  std::function<bool(const std::string&)> go_on = [](const auto&) {
    return true;
  };
  int wakes = 0;
  std::function<std::optional<Mono>()> on_wake;
  bool data(std::string_view piece) override {
    body += piece;
    return go_on(body);
  }
  std::optional<Mono> wake() override {
    ++wakes;
    return on_wake ? on_wake() : std::nullopt;
  }
};

class TransportContract : public ::testing::TestWithParam<TransportMaker> {
 protected:
  static std::unique_ptr<Transport> transport(
      const Access& access, const ContractOptions& options = {}) {
    auto made = GetParam().make(access, kClock, options);
    if (!made) {
      ADD_FAILURE() << made.error().message;
      return nullptr;
    }
    return *std::move(made);
  }
};

TEST_P(TransportContract, SendsAndReadsAWholeAnswer) {
  FakeKube server([](const SeenRequest&, Reply& reply) {
    reply.answer(409, R"({"kind":"Status"})",
                 "Retry-After: 7\r\nWarning: 299 - \"v1 is \\\"old\\\"\"\r\n");
  });
  Access access = to(server);
  access.server += "/prefix/";
  access.token = "secret";
  auto answer =
      transport(access, {.user_agent = "me/1"})->send(post("{}"), soon(), {});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->body, R"({"kind":"Status"})");
  EXPECT_EQ(answer->content_type, "application/json");
  EXPECT_EQ(answer->retry_after, seconds(7));
  EXPECT_THAT(answer->warnings, ElementsAre("v1 is \"old\""));
  const SeenRequest seen = server.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/prefix/x");
  EXPECT_EQ(seen.body, "{}");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(seen.headers.at("user-agent"), "me/1");
  EXPECT_EQ(seen.headers.at("content-type"), "application/json");
}

// A connection that dies under a second POST must not bring it a third time:
// it may have been carried out.
TEST_P(TransportContract, NeverSendsAPostTwice) {
  // Reads the second request whole, then breaks.
  FakeKube server([](const SeenRequest& request, Reply& reply) {
    if (request.target == "/1")
      reply.answer(200, "a");
    else
      reply.drop();
  });
  const auto kube = transport(to(server));
  ASSERT_TRUE(kube->send({.target = "/1"}, soon(), {}));
  const auto second = kube->send(post("{}"), soon(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST_P(TransportContract, DoesNotFollowARedirect) {
  FakeKube server([](const SeenRequest&, Reply& reply) {
    reply.answer(302, "", "Location: /other\r\n");
  });
  auto answer = transport(to(server))->send({.target = "/"}, soon(), {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_P(TransportContract, BoundsTheBody) {
  FakeKube server([](const SeenRequest&, Reply& reply) {
    reply.open_stream();
    for (int i = 0; i < 20; ++i) reply.chunk(std::string(100, 'x'));
    reply.end_stream();
  });
  const auto answer = transport(to(server), {.max_body_bytes = 1000})
                          ->send({.target = "/"}, soon(), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kCorrupt);
}

TEST_P(TransportContract, GivesUpAtTheDeadline) {
  FakeKube server([](const SeenRequest&, Reply& reply) {
    reply.wait_for_client_to_close();
  });
  const auto answer =
      transport(to(server))->send({.target = "/"}, soon(milliseconds(50)), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kTimeout);
}

TEST_P(TransportContract, RefusesWhatWouldBeASecondHeader) {
  FakeKube server([](const SeenRequest&, Reply& r) { r.answer(200, ""); });
  const auto answer = transport(to(server))
                          ->send({.target = "/x HTTP/1.1\r\nX: y"}, soon(), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kInvalid);
  EXPECT_TRUE(server.requests().empty());
}

TEST_P(TransportContract, IsUnavailableWhenRefused) {
  FakeKube server([](const SeenRequest&, Reply&) {});
  const Access access = to(server);
  server.stop();
  const auto answer = transport(access)->send({.target = "/"}, soon(), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::kUnavailable);
}

// Case 34: a stop ends a call and a stream that hear nothing.
TEST_P(TransportContract, StopEndsACallAndAStream) {
  FakeKube server([](const SeenRequest& request, Reply& reply) {
    if (request.target == "/watch") reply.open_stream();
    reply.wait_for_client_to_close();
  });
  const auto kube = transport(to(server));
  std::stop_source stop;
  auto call = std::async(std::launch::async, [&] {
    return kube->send({.target = "/"}, soon(), stop.get_token());
  });
  auto watch = std::async(std::launch::async, [&] {
    Collect sink;
    return kube->stream({.target = "/watch"}, sink, {}, stop.get_token());
  });
  ASSERT_TRUE(server.wait_for(2));
  stop.request_stop();
  const auto called = call.get();
  const auto watched = watch.get();
  ASSERT_FALSE(called);
  ASSERT_FALSE(watched);
  EXPECT_EQ(called.error().code, Code::kUnavailable);
  EXPECT_EQ(watched.error().message, "stopped");
}

TEST_P(TransportContract, HandsOutEachPieceAsItComes) {
  // The second chunk is sent only once the first was handed out.
  std::promise<void> first;
  FakeKube server([&first](const SeenRequest&, Reply& reply) {
    reply.open_stream();
    reply.chunk("{\"a\":1}\n");
    first.get_future().wait_for(seconds(20));
    reply.chunk("{\"a\":2}\n");
    reply.end_stream();
  });
  Collect sink;
  bool told = false;
  sink.go_on = [&](const std::string& body) {
    if (!told && body == "{\"a\":1}\n") first.set_value();
    told = true;
    return true;
  };
  const auto end = transport(to(server))->stream({.target = "/"}, sink, {}, {});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(end->end, StreamEnd::kEof);
  EXPECT_EQ(sink.body, "{\"a\":1}\n{\"a\":2}\n");
}

TEST_P(TransportContract, TellsARefusedStreamFromABrokenOne) {
  FakeKube server([](const SeenRequest& request, Reply& reply) {
    if (request.target == "/gone") return reply.answer(410, "too old");
    reply.open_stream();
    reply.chunk("torn");
    reply.drop();
  });
  const auto kube = transport(to(server));
  Collect sink;
  const auto refused = kube->stream({.target = "/gone"}, sink, {}, {});
  ASSERT_TRUE(refused) << refused.error().message;
  ASSERT_TRUE(refused->refused);
  EXPECT_EQ(refused->refused->status, 410);
  EXPECT_EQ(refused->refused->body, "too old");
  EXPECT_EQ(sink.body, "");
  const auto broken = kube->stream({.target = "/torn"}, sink, {}, {});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::kUnavailable);
  EXPECT_EQ(sink.body, "torn");
}

// Case 33's client half: no FIN ever comes.
TEST_P(TransportContract, EndsASilentStreamAndWakesItsSink) {
  FakeKube server([](const SeenRequest&, Reply& reply) {
    reply.open_stream();
    reply.wait_for_client_to_close();
  });
  Collect sink;
  sink.on_wake = [&]() -> std::optional<Mono> {
    if (sink.wakes < 3) return kClock.mono();
    return std::nullopt;
  };
  const auto end =
      transport(to(server))
          ->stream({.target = "/"}, sink,
                   {.idle = milliseconds(200), .wake_at = kClock.mono()}, {});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Code::kTimeout);
  EXPECT_EQ(sink.wakes, 3);
}

class TransportContractTls : public TransportContract {
 protected:
  FakeKube server_{
      [](const SeenRequest&, Reply& reply) { reply.answer(200, "ok"); },
      fakes::FakeTls{certificates().server, certificates().server_key,
                     certificates().ca}};
  Access access_ = [this] {
    Access access = to(server_);
    access.ca.data = certificates().ca;
    access.client_certificate.data = certificates().client;
    access.client_key.data = certificates().client_key;
    return access;
  }();
  Result<Response> get() {
    return transport(access_)->send({.target = "/"}, soon(), {});
  }
  void expect_refused(const std::string& text) {
    const auto answer = get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Code::kInvalid);
    EXPECT_THAT(answer.error().message, HasSubstr(text));
    EXPECT_TRUE(server_.requests().empty());
  }
};

TEST_P(TransportContractTls, ChecksTheAddressAndShowsItsOwnCertificate) {
  const auto answer = get();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "ok");
}

TEST_P(TransportContractTls, ChecksTheName) {
  access_.server = server_.url("localhost");
  const auto answer = get();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body, "ok");
}

TEST_P(TransportContractTls, ChecksTheNameThatIsGivenInstead) {
  access_.tls_server_name = "localhost";
  const auto answer = get();
  ASSERT_TRUE(answer) << answer.error().message;
}

TEST_P(TransportContractTls, RefusesAnotherName) {
  access_.tls_server_name = "elsewhere.example";
  expect_refused("mismatch");
}

TEST_P(TransportContractTls, RefusesAnotherAddress) {
  access_.tls_server_name = "127.0.0.2";
  expect_refused("mismatch");
}

TEST_P(TransportContractTls, RefusesAnotherAuthority) {
  access_.ca.data = kube_tools::make_certificates()->ca;
  expect_refused("refused");
}

TEST_P(TransportContractTls, RefusesToTrustAnybodyWithoutAnAuthority) {
  access_.ca = {};
  expect_refused("no certificate authority");
}

TEST_P(TransportContractTls, RefusesAKeyThatDoesNotFit) {
  access_.client_key.data = certificates().server_key;
  expect_refused("client key");
}

INSTANTIATE_TEST_SUITE_P(Transports, TransportContract,
                         ::testing::ValuesIn(transport_makers()),
                         [](const auto& maker) { return maker.param.name; });
INSTANTIATE_TEST_SUITE_P(Transports, TransportContractTls,
                         ::testing::ValuesIn(transport_makers()),
                         [](const auto& maker) { return maker.param.name; });

}  // namespace
}  // namespace chrysalis::kube::testing
