#include "tests/kube/api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "tests/kube/process.h"

namespace chrysalis::kube_tools {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class KubeApiServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = ApiServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server_ = *std::move(started);
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  static std::unique_ptr<ApiServer> server_;
};
std::unique_ptr<ApiServer> KubeApiServer::server_;

TEST_F(KubeApiServer, CreatesNamespaceThroughKubectl) {
  const auto made = server_->kubectl({"create", "namespace", "blue"});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("namespace/blue created"));
  const auto again = server_->kubectl({"create", "namespace", "blue"});
  EXPECT_NE(again.exit, 0);
  EXPECT_THAT(again.err, HasSubstr("AlreadyExists"));
}

TEST_F(KubeApiServer, SaysAVersionThatClientsParse) {
  const auto said = server_->kubectl({"version"});
  EXPECT_EQ(said.exit, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("Server Version: v1."));
}

TEST_F(KubeApiServer, AcceptsTheTokenAndRefusesAWrongOne) {
  const std::string config = server_->token_kubeconfig_path();
  const auto who = [&](const std::vector<std::string>& more) {
    std::vector<std::string> args{"--kubeconfig", config, "auth", "whoami"};
    args.insert(args.end(), more.begin(), more.end());
    return server_->kubectl(args);
  };
  EXPECT_THAT(who({}).out, HasSubstr("token-admin"));
  const auto wrong = who({"--token", "wrong"});
  EXPECT_NE(wrong.exit, 0);
  EXPECT_THAT(wrong.err, HasSubstr("Unauthorized"));
}

TEST_F(KubeApiServer, AuthorizesByRole) {
  const auto no = server_->kubectl({"auth", "can-i", "list", "secrets", "--as",
                                    "system:serviceaccount:default:nobody"});
  EXPECT_THAT(no.out, HasSubstr("no"));
  const auto yes = server_->kubectl({"auth", "can-i", "list", "secrets"});
  EXPECT_THAT(yes.out, HasSubstr("yes"));
}

TEST_F(KubeApiServer, StreamsTheInitialListOfAWatch) {
  const auto seen = server_->kubectl(
      {"get", "--raw",
       "/api/v1/namespaces?watch=1&sendInitialEvents=true&resourceVersionMatch="
       "NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1"});
  EXPECT_EQ(seen.exit, 0) << seen.err;
  EXPECT_THAT(seen.out, HasSubstr("\"ADDED\""));
  EXPECT_THAT(seen.out, HasSubstr("k8s.io/initial-events-end"));
}

TEST_F(KubeApiServer, AuditsWritesToLeases) {
  const std::string lease = R"(
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: counted}
spec: {holderIdentity: me}
)";
  const size_t before = server_->writes("leases");
  ASSERT_EQ(server_->apply(lease).exit, 0);
  // The server renews leases of its own, hence by name.
  const auto all = server_->audit_events();
  const auto ours = [](const AuditEvent& e) {
    return e.is_write() && e.resource == "leases" && e.ns == "default" &&
           e.user == "admin";
  };
  EXPECT_EQ(std::count_if(all.begin(), all.end(), ours), 1);
  EXPECT_GT(server_->writes("leases"), before);
}

TEST_F(KubeApiServer, KeepsDataAndAddressOverARestart) {
  ASSERT_EQ(server_->kubectl({"create", "namespace", "kept"}).exit, 0);
  const std::string url = server_->url();
  server_->stop();
  const auto down = server_->kubectl({"get", "namespace", "kept"});
  EXPECT_NE(down.exit, 0);
  EXPECT_THAT(down.err, HasSubstr("refused"));
  const auto up = server_->restart();
  ASSERT_TRUE(up) << up.error().message;
  EXPECT_EQ(server_->url(), url);
  EXPECT_EQ(server_->kubectl({"get", "namespace", "kept"}).exit, 0);
}

TEST_F(KubeApiServer, ASecondOneIsApart) {
  auto second = ApiServer::start();
  ASSERT_TRUE(second) << second.error().message;
  const fs::path directory = (*second)->directory();
  EXPECT_NE((*second)->url(), server_->url());
  ASSERT_EQ((*second)->kubectl({"create", "namespace", "apart"}).exit, 0);
  EXPECT_NE(server_->kubectl({"get", "namespace", "apart"}).exit, 0);
  second->reset();
  EXPECT_FALSE(fs::exists(directory));
  EXPECT_TRUE(fs::exists(server_->directory()));
}

// The children's pids come over a pipe from a process that is then killed
// with SIGKILL, as a crash would.
TEST(KubeApiServerDeath, TakesItsChildrenAlong) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::pipe(fds.data()), 0);
  const pid_t victim = ::fork();
  ASSERT_GE(victim, 0);
  if (victim == 0) {
    auto server = ApiServer::start();
    std::array<pid_t, 2> pids{-1, -1};
    if (server) pids = {(*server)->etcd_pid(), (*server)->api_server_pid()};
    (void)!::write(fds[1], pids.data(), sizeof pids);
    ::pause();
    ::_exit(0);
  }
  std::array<pid_t, 2> pids{};
  ASSERT_EQ(::read(fds[0], pids.data(), sizeof pids),
            static_cast<ssize_t>(sizeof pids));
  ASSERT_GT(pids[0], 0);
  std::array<pollfd, 2> ends{};
  for (size_t i = 0; i < pids.size(); ++i) {
    ends[i].fd = static_cast<int>(::syscall(SYS_pidfd_open, pids[i], 0));
    ends[i].events = POLLIN;
    ASSERT_GE(ends[i].fd, 0);
    EXPECT_EQ(::poll(&ends[i], 1, 0), 0) << "ended too early";
  }
  ::kill(victim, SIGKILL);
  EXPECT_EQ(::waitpid(victim, nullptr, 0), victim);
  for (auto& end : ends) {
    EXPECT_EQ(::poll(&end, 1, 20'000), 1) << "outlived its parent";
    ::close(end.fd);
  }
  // Its directory is swept by the next start.
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(KubeRun, PassesInputAndCollectsBothOutputs) {
  const std::string big(200'000, 'x');
  const auto done = run({"/bin/sh", "-c", "cat; echo oops >&2; exit 3"}, {},
                        big, std::chrono::seconds(30));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->exit, 3);
  EXPECT_EQ(done->out, big);
  EXPECT_EQ(done->err, "oops\n");
}

TEST(KubeRun, KillsWhatHangs) {
  const auto done = run({"/bin/sh", "-c", "kill -STOP $$"}, {}, "",
                        std::chrono::milliseconds(50));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kTimeout);
}

TEST(KubeRun, SaysThatAProgramIsMissing) {
  const auto done =
      run({"/nonexistent"}, {}, "ignored", std::chrono::seconds(30));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->exit, 127);
  EXPECT_THAT(done->err, HasSubstr("cannot be executed"));
}

}  // namespace
}  // namespace chrysalis::kube_tools
