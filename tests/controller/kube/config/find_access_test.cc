#include "controller/kube/config/find_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace chrysalis::kube {
namespace {

using testing::HasSubstr;

std::string config(const std::string& server) {
  return "current-context: x\n"
         "contexts: [{name: x, context: {cluster: c}}]\n"
         "clusters: [{name: c, cluster: {server: '" +
         server + "'}}]\n";
}

class FindAccess : public testing::Test {
 protected:
  std::map<std::string, std::string> disk_{
      {"/srv/mine", config("https://flag")},
      {"/etc/first", config("https://variable")},
      {"/home/me/.kube/config", config("https://home")},
      {"/sa/token", "abc\n"},
      {"/sa/ca.crt", "pem"},
      {"/sa/namespace", "system\n"}};
  Code failure_ = Code::kNotFound;
  AccessSources sources_{.kubeconfig_flag = "mine",
                         .kubeconfig_variable = ":/gone:/etc/first:",
                         .pod = {"10.0.0.1", "443", "/sa"},
                         .home = "/home/me",
                         .working_directory = "/srv"};

  Result<Access> find() {
    return find_access(sources_, [this](const std::filesystem::path& path) {
      const auto found = disk_.find(path.string());
      if (found != disk_.end()) return Result<std::string>(found->second);
      return Result<std::string>(fail(failure_, path.string() + ": no file"));
    });
  }
  std::string server() {
    const auto access = find();
    return access ? access->server : access.error().message;
  }
};

TEST_F(FindAccess, TriesTheSourcesInTheirOrder) {
  EXPECT_EQ(server(), "https://flag");
  sources_.kubeconfig_flag = "";
  EXPECT_EQ(server(), "https://variable");
  sources_.kubeconfig_variable = "";
  EXPECT_EQ(server(), "https://10.0.0.1:443");
  sources_.pod = {};
  EXPECT_EQ(server(), "https://home");
  sources_.home = "/home/you";
  EXPECT_EQ(find().error().code, Code::kNotFound);
  EXPECT_THAT(server(), HasSubstr("pass --kubeconfig FILE"));
}

// A source that is there and wrong is not passed over in silence.
TEST_F(FindAccess, DoesNotGoOnBehindAWrongSource) {
  sources_.kubeconfig_flag = "/gone";
  EXPECT_EQ(server(), "--kubeconfig: /gone: no file");
  sources_.kubeconfig_flag = "";
  sources_.kubeconfig_variable = "/gone:/lost";
  EXPECT_THAT(server(), HasSubstr("no file of \"/gone:/lost\" can be opened"));
  sources_.kubeconfig_variable = "/gone:/etc/first";
  failure_ = Code::kUnavailable;  // it is there and may not be read
  EXPECT_EQ(server(), "KUBECONFIG: /gone: no file");
  sources_.kubeconfig_variable = "";
  sources_.pod = {};
  disk_.erase("/home/me/.kube/config");
  EXPECT_EQ(server(), "/home/me/.kube/config: no file");
}

TEST_F(FindAccess, ChoosesTheContextOfTheFlag) {
  sources_.context_flag = "y";
  EXPECT_THAT(server(), HasSubstr("/srv/mine:2: contexts: no \"y\""));
}

class InCluster : public FindAccess {
 protected:
  void SetUp() override {
    sources_.kubeconfig_flag = "";
    sources_.kubeconfig_variable = "";
  }
};

TEST_F(InCluster, UsesTheServiceAccountByItsFiles) {
  const auto access = find();
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->token_file, "/sa/token");
  EXPECT_EQ(access->token, "");
  EXPECT_EQ(access->ca.file, "/sa/ca.crt");
  EXPECT_EQ(access->ns, "system");
}

TEST_F(InCluster, BracketsAnAddressOfVersion6) {
  sources_.pod.service_host = "fd00::1";
  EXPECT_EQ(server(), "https://[fd00::1]:443");
}

TEST_F(InCluster, WantsBothVariables) {
  sources_.pod.service_port = "";
  EXPECT_THAT(server(), HasSubstr("KUBERNETES_SERVICE_PORT: not set"));
  sources_.pod.service_port = "443";
  sources_.pod.service_host = "";
  EXPECT_THAT(server(), HasSubstr("KUBERNETES_SERVICE_HOST: not set"));
}

TEST_F(InCluster, SaysWhatAPodWithoutAServiceAccountLacks) {
  disk_["/sa/token"] = "\n";
  EXPECT_THAT(server(), HasSubstr("/sa/token: is empty; give the pod"));
  disk_.erase("/sa/token");
  EXPECT_THAT(server(), HasSubstr("automountServiceAccountToken"));
  disk_["/sa/token"] = "t";
  disk_.erase("/sa/ca.crt");
  EXPECT_THAT(server(), HasSubstr("/sa/ca.crt: no file; give the pod"));
}

TEST_F(InCluster, DoesWithoutANamespace) {
  disk_.erase("/sa/namespace");
  EXPECT_EQ(find()->ns, "default");
}

}  // namespace
}  // namespace chrysalis::kube
