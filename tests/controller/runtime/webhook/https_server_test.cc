// The server as its clients find it, the good and the bad ones. Deadlines that
// are to pass are short, and waited for by their event: the end.

#include "controller/runtime/webhook/https_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/controller/runtime/webhook/client.h"

namespace chrysalis::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// Answers that wait until they are let go.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void await_one() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class HttpsServerTest : public testing::Test {
 protected:
  void start(const ServerLimits& limits = {}) {
    const HttpRoutes routes = {
        {"/review", "application/json", 1000,
         [](std::string& body) {
           return HttpAnswer{200, "text/plain", "got " + body};
         }},
        {"/throws", "application/json", 1000,
         [](std::string&) -> HttpAnswer { throw std::runtime_error("x"); }},
        {"/waits", "application/json", 1000, [this](std::string&) {
           gate_.pass();
           return HttpAnswer{200, "text/plain", "late"};
         }}};
    auto started =
        HttpsServer::start({"127.0.0.1", 0}, test_tls, routes, limits);
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  void TearDown() override { gate_.open(); }
  [[nodiscard]] uint16_t port() const { return server_->port(); }
  // A client that the server answers.
  void expect_served() {
    TestClient client(port());
    ASSERT_TRUE(client.handshake());
    EXPECT_EQ(client.ask(post("x")).body, "got x");
  }

  Gate gate_;
  std::unique_ptr<HttpsServer> server_;
};

TEST_F(HttpsServerTest, AnswersManyRequestsOnOneConnection) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.handshake());
  for (int n = 0; n < 20; ++n) {
    const Told told = client.ask(post(std::to_string(n)));
    EXPECT_EQ(told.status, 200);
    EXPECT_EQ(told.body, "got " + std::to_string(n));
    EXPECT_THAT(told.head, HasSubstr("Content-Type: text/plain"));
    EXPECT_TRUE(told.keeps_alive());
  }
}

TEST_F(HttpsServerTest, AnswersRequestsThatCameTogetherAndThoseInPieces) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.handshake());
  ASSERT_TRUE(client.send(post("a") + post("b")));
  EXPECT_EQ(client.receive().body, "got a");
  EXPECT_EQ(client.receive().body, "got b");
  for (const char c : post("in pieces"))
    ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_EQ(client.receive().body, "got in pieces");
  EXPECT_EQ(client
                .ask("POST /review?timeout=10s HTTP/1.1\r\nHost: h\r\n"
                     "Content-Type: Application/JSON; charset=utf-8\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n"
                     "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n")
                .body,
            "got abcde");
}

TEST_F(HttpsServerTest, AWrongMethodPathOrTypeIsSaid) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.handshake());
  const Told got = client.ask("GET /review HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(got.status, 405);
  EXPECT_THAT(got.head, HasSubstr("Allow: POST"));
  EXPECT_TRUE(got.keeps_alive());
  EXPECT_EQ(client.ask("GET /other HTTP/1.1\r\nHost: h\r\n\r\n").status, 404);
  const Told lost = client.ask(post("x", "/other"));
  EXPECT_EQ(lost.status, 404);
  EXPECT_FALSE(lost.keeps_alive()) << "its body was not read";
  EXPECT_TRUE(client.ended());
  TestClient next(port());
  ASSERT_TRUE(next.handshake());
  EXPECT_EQ(next.ask("POST /review HTTP/1.1\r\nHost: h\r\nContent-Type: "
                     "text/yaml\r\nContent-Length: 1\r\n\r\nx")
                .status,
            415);
}

TEST_F(HttpsServerTest, ABodyOverItsBoundIsRefusedWhoeverCountsIt) {
  start();
  {
    TestClient client(port());
    ASSERT_TRUE(client.handshake());
    EXPECT_EQ(client.ask(post(std::string(1000, 'x'))).status, 200);
    const Told told = client.ask(post(std::string(1001, 'x')));
    EXPECT_EQ(told.status, 413);
    EXPECT_FALSE(told.keeps_alive());
  }
  {
    // Five megabytes that the client sends before it reads.
    TestClient client(port());
    ASSERT_TRUE(client.handshake());
    EXPECT_EQ(client.ask(post(std::string(5 << 20, 'x'))).status, 413);
  }
  {
    TestClient client(port());
    ASSERT_TRUE(client.handshake());
    const std::string piece = "100\r\n" + std::string(256, 'x') + "\r\n";
    EXPECT_EQ(client
                  .ask("POST /review HTTP/1.1\r\nHost: h\r\nContent-Type: "
                       "application/json\r\nTransfer-Encoding: chunked\r\n"
                       "\r\n" +
                       piece + piece + piece + piece + "0\r\n\r\n")
                  .status,
              413);
  }
  expect_served();
}

TEST_F(HttpsServerTest, AHeadOverItsBoundIsRefused) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.handshake());
  EXPECT_EQ(
      client
          .ask(post("x", "/review", "X: " + std::string(20'000, 'x') + "\r\n"))
          .status,
      431);
  expect_served();
}

TEST_F(HttpsServerTest, GarbageCostsItsSenderAlone) {
  start();
  for (const std::string& raw :
       {std::string("GET /review HTTP/1.1\r\n\r\n"), std::string(3000, '\0'),
        std::string("\x16\x03\x01\x00\x05hello")}) {
    TestClient client(port());
    ASSERT_TRUE(client.send_raw(raw));
    // An alert of some bytes may come, then the end: nothing hangs.
    int bytes = 0;
    while (!client.ended() && bytes < 100) ++bytes;
    EXPECT_LT(bytes, 100);
  }
  for (const std::string& text :
       {std::string("hello\r\n\r\n"), std::string("POST /review\r\n\r\n"),
        std::string("POST /review HTTP/1.1\r\nContent-Length: x\r\n\r\n")}) {
    TestClient client(port());
    ASSERT_TRUE(client.handshake());
    EXPECT_EQ(client.ask(text).status, 400) << text;
    EXPECT_TRUE(client.ended());
  }
  expect_served();
}

TEST_F(HttpsServerTest, SpeaksTls12AndLaterOnly) {
  start();
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TestClient client(port());
    EXPECT_FALSE(client.handshake(version));
  }
  TestClient client(port());
  ASSERT_TRUE(client.handshake(TLS1_2_VERSION));
  EXPECT_EQ(client.tls_version(), "TLSv1.2");
  EXPECT_EQ(client.ask(post("x")).status, 200);
  TestClient latest(port());
  ASSERT_TRUE(latest.handshake());
  EXPECT_EQ(latest.tls_version(), "TLSv1.3");
}

TEST_F(HttpsServerTest, WhoIsSlowIsLetGo) {
  start({.handshake = milliseconds{100},
         .request = milliseconds{100},
         .idle = milliseconds{100}});
  TestClient silent(port());
  EXPECT_TRUE(silent.ended());
  TestClient idle(port());
  ASSERT_TRUE(idle.handshake());
  EXPECT_TRUE(idle.ended());
  TestClient half(port());
  ASSERT_TRUE(half.handshake());
  ASSERT_TRUE(half.send("POST /review HTTP/1.1\r\nHost:"));
  EXPECT_TRUE(half.ended());
  TestClient body(port());
  ASSERT_TRUE(body.handshake());
  ASSERT_TRUE(body.send(post("four").substr(0, post("four").size() - 1)));
  EXPECT_TRUE(body.ended());
}

TEST_F(HttpsServerTest, WhoNeverReadsIsLetGo) {
  const HttpRoutes routes = {
      {"/review", "application/json", 1000, [](std::string&) {
         return HttpAnswer{200, "text/plain", std::string(64 << 20, 'x')};
       }}};
  auto started = HttpsServer::start({"127.0.0.1", 0}, test_tls, routes,
                                    {.answer = milliseconds{200}});
  ASSERT_TRUE(started);
  TestClient deaf((*started)->port());
  ASSERT_TRUE(deaf.handshake());
  ASSERT_TRUE(deaf.send(post("x")));
  // The stop returns once the answer was given up, long before its own bound.
  (*started)->stop();
  EXPECT_EQ(deaf.receive().status, 0) << "it is not whole";
}

TEST_F(HttpsServerTest, AtItsLimitTheOneThatWaitedLongestGoes) {
  start({.connections = 3});
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int n = 0; n < 3; ++n) {
    clients.push_back(std::make_unique<TestClient>(port()));
    ASSERT_TRUE(clients.back()->handshake());
    EXPECT_EQ(clients.back()->ask(post("x")).status, 200);
  }
  EXPECT_EQ(clients[0]->ask(post("x")).status, 200);  // now [1] is the oldest
  expect_served();
  EXPECT_TRUE(clients[1]->ended());
  EXPECT_EQ(clients[0]->ask(post("x")).status, 200);
  EXPECT_EQ(clients[2]->ask(post("x")).status, 200);
}

TEST_F(HttpsServerTest, WhatThrowsIsA500AndTheServerLives) {
  start();
  TestClient client(port());
  ASSERT_TRUE(client.handshake());
  EXPECT_EQ(client.ask(post("x", "/throws")).status, 500);
  EXPECT_EQ(client.ask(post("x")).status, 200);
}

TEST_F(HttpsServerTest, AStopAnswersWhatIsInFlightAndClosesTheRest) {
  start();
  TestClient idle(port()), busy(port());
  ASSERT_TRUE(idle.handshake());
  EXPECT_EQ(idle.ask(post("x")).status, 200);
  ASSERT_TRUE(busy.handshake());
  ASSERT_TRUE(busy.send(post("x", "/waits")));
  gate_.await_one();
  std::thread stop([this] { server_->stop(); });
  gate_.open();
  const Told told = busy.receive();
  EXPECT_EQ(told.body, "late");
  EXPECT_TRUE(busy.ended());
  EXPECT_TRUE(idle.ended());
  stop.join();
  server_->stop();  // again: nothing
}

TEST_F(HttpsServerTest, AStopWaitsForNobodyLongerThanItsBound) {
  start({.stop = milliseconds{100}});
  TestClient half(port());
  ASSERT_TRUE(half.handshake());
  ASSERT_TRUE(half.send("POST /review HTTP/1.1\r\nHost:"));
  EXPECT_EQ(TestClient(port()).handshake(), true);
  server_->stop();
  EXPECT_TRUE(half.ended());
}

TEST_F(HttpsServerTest, APortThatIsTakenOrAHostThatIsNoneIsSaid) {
  start();
  const auto taken = HttpsServer::start({"127.0.0.1", port()}, test_tls, {});
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("in use"));
  const auto none = HttpsServer::start({"localhost", 0}, test_tls, {});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, StartsWith("localhost: "));
  EXPECT_TRUE(HttpsServer::start({"", 0}, test_tls, {}));
}

}  // namespace
}  // namespace chrysalis::runtime
