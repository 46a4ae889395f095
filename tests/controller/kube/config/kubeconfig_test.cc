#include "controller/kube/config/kubeconfig.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace chrysalis::kube {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// "-----BEGIN X-----\n" and "-----BEGIN Y-----\n"
constexpr const char* kPemX = "LS0tLS1CRUdJTiBYLS0tLS0K";
constexpr const char* kPemY = "LS0tLS1CRUdJTiBZLS0tLS0K";

constexpr const char* kWhole = R"(
apiVersion: v1
kind: Config
current-context: one
contexts:
- name: one
  context: {cluster: c, user: u, namespace: team-a}
- name: two
  context: {cluster: plain}
clusters:
- name: c
  cluster:
    server: https://[::1]:6443/prefix
    tls-server-name: kube.example
    certificate-authority-data: LS0tLS1CRUdJTiBYLS0tLS0K
    extensions: []
- name: plain
  cluster: {server: "http://localhost:8080", disable-compression: true}
users:
- name: u
  user:
    client-certificate-data: LS0tLS1CRUdJTiBYLS0tLS0K
    client-key-data: LS0tLS1CRUdJTiBZLS0tLS0K
)";

class KubeconfigTest : public testing::Test {
 protected:
  std::map<std::string, std::string> disk_;
  ReadFile read_ = [this](const std::filesystem::path& path) {
    const auto found = disk_.find(path.string());
    if (found == disk_.end())
      return Result<std::string>(
          fail(Code::kNotFound, path.string() + ": No such file or directory"));
    return Result<std::string>(found->second);
  };

  Result<Access> read(const std::string& text, std::string_view context = "") {
    const std::vector<KubeconfigFile> files = {{"/home/me/config", text}};
    return read_kubeconfig(files, context, read_);
  }
  // A file of one cluster and one user with these members.
  Result<Access> read(const std::string& cluster, const std::string& user,
                      std::string_view context) {
    return read(
        "current-context: x\n"
        "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {" +
            cluster +
            "}}]\n"
            "users: [{name: u, user: {" +
            user + "}}]\n",
        context);
  }
  Result<Access> as_user(const std::string& user) {
    return read("server: 'https://k'", user, "");
  }
  std::string refused(const Result<Access>& access) {
    EXPECT_FALSE(access);
    return access ? "" : access.error().message;
  }
};

TEST_F(KubeconfigTest, ReadsTheCurrentContext) {
  const auto access = read(kWhole);
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://[::1]:6443/prefix");
  EXPECT_EQ(access->tls_server_name, "kube.example");
  EXPECT_EQ(access->ca.data, "-----BEGIN X-----\n");
  EXPECT_EQ(access->client_certificate.data, "-----BEGIN X-----\n");
  EXPECT_EQ(access->client_key.data, "-----BEGIN Y-----\n");
  EXPECT_EQ(access->ns, "team-a");
  EXPECT_FALSE(access->skip_tls_verify);
}

TEST_F(KubeconfigTest, ReadsANamedContextWithoutAUser) {
  const auto access = read(kWhole, "two");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "http://localhost:8080");
  EXPECT_EQ(access->ns, "default");
  EXPECT_TRUE(access->client_certificate.empty());
}

TEST_F(KubeconfigTest, FindsFilesBesideTheOneThatNamesThem) {
  disk_ = {{"/home/me/pki/ca.crt", "ca"},
           {"/home/me/me.crt", "crt"},
           {"/abs/me.key", "key"},
           {"/home/me/token", "t"}};
  const auto access =
      read("server: 'https://k', certificate-authority: pki/ca.crt",
           "client-certificate: me.crt, client-key: /abs/me.key, "
           "tokenFile: token",
           "");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->ca.file, "/home/me/pki/ca.crt");
  EXPECT_EQ(access->client_certificate.file, "/home/me/me.crt");
  EXPECT_EQ(access->client_key.file, "/abs/me.key");
  EXPECT_EQ(access->token_file, "/home/me/token");
}

TEST_F(KubeconfigTest, SaysWhichFileIsMissing) {
  EXPECT_EQ(refused(as_user("tokenFile: gone")),
            "/home/me/config:4: users[u].user.tokenFile: /home/me/gone: No "
            "such file or directory; correct the path");
}

TEST_F(KubeconfigTest, ReadsTokenAndPassword) {
  EXPECT_EQ(as_user("token: abc")->token, "abc");
  const auto basic = as_user("username: me, password: '007'");
  EXPECT_EQ(basic->username, "me");
  EXPECT_EQ(basic->password, "007");
  EXPECT_THAT(refused(as_user("username: me, token: abc")),
              AllOf(HasSubstr("contradicts the token"), Not(HasSubstr("abc"))));
}

TEST_F(KubeconfigTest, DataWinsOverAFile) {
  const auto access = read(
      "server: 'https://k', certificate-authority: gone, "
      "certificate-authority-data: " +
          std::string(kPemY),
      "", "");
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->ca.data, "-----BEGIN Y-----\n");
  EXPECT_EQ(access->ca.file, "");
}

TEST_F(KubeconfigTest, MergesFilesTheFirstWins) {
  disk_ = {{"/b/token", "t"}};
  const std::vector<KubeconfigFile> files = {
      {"/a/config",
       "clusters: [{name: c, cluster: {server: 'https://first'}}]\n"
       "users:\n"},
      {"/empty", ""},
      {"/b/config",
       "current-context: x\n"
       "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
       "clusters: [{name: c, cluster: {server: 'https://second'}}]\n"
       "users: [{name: u, user: {tokenFile: token}}]\n"},
      {"/c/config", "current-context: y\n"}};
  const auto access = read_kubeconfig(files, "", read_);
  ASSERT_TRUE(access) << access.error().message;
  EXPECT_EQ(access->server, "https://first");
  EXPECT_EQ(access->token_file, "/b/token");
}

TEST_F(KubeconfigTest, RefusesWhatItCannotDoByItsName) {
  for (const char* key :
       {"exec: {command: aws}", "auth-provider: {name: gcp}", "as: root",
        "as-uid: '1'", "as-groups: [a]", "as-user-extra: {a: [b]}"}) {
    const std::string name(key, std::string(key).find(':'));
    EXPECT_THAT(refused(as_user(key)),
                HasSubstr("/home/me/config:4: users[u].user." + name +
                          ": not supported; "));
  }
  EXPECT_THAT(
      refused(read("server: 'https://k', proxy-url: 'socks5://p'", "", "")),
      HasSubstr("clusters[c].cluster.proxy-url: not supported; "));
  EXPECT_TRUE(read("server: 'https://k', proxy-url: ''", "", ""));
}

TEST_F(KubeconfigTest, DoesNotJudgeWhatTheContextDoesNotUse) {
  EXPECT_TRUE(read(std::string(kWhole) + "- {name: v, user: {exec: {}}}\n"));
}

TEST_F(KubeconfigTest, NamesFileLineKeyAndRemedy) {
  const std::string file = "/home/me/config";
  EXPECT_EQ(refused(read("")), file + ": is empty");
  EXPECT_EQ(refused(read("a: [")).substr(0, 27), file + ":1: not YAML");
  EXPECT_EQ(refused(read("- a")), file + ":1: not a kubeconfig");
  EXPECT_THAT(refused(read("kind: Config")),
              HasSubstr(file + ":1: current-context: not set; kubectl config"));
  EXPECT_THAT(refused(read(kWhole, "three")),
              HasSubstr(": contexts: no \"three\"; there is one, two"));
  EXPECT_THAT(refused(read("current-context: x\ncontexts: 7")),
              HasSubstr(file + ":2: contexts: not a list"));
  EXPECT_THAT(refused(read("current-context: x")),
              HasSubstr(": contexts: no \"x\"; there is none"));
  EXPECT_THAT(refused(read("server: [a]", "", "")),
              HasSubstr(":3: clusters[c].cluster.server: not a string"));
  EXPECT_THAT(refused(read("", "", "")), HasSubstr(".server: not set; name"));
  EXPECT_THAT(
      refused(read("server: a, insecure-skip-tls-verify: maybe", "", "")),
      HasSubstr("insecure-skip-tls-verify: neither true nor false"));
  EXPECT_THAT(refused(read("server: a, insecure-skip-tls-verify: true, "
                           "certificate-authority-data: " +
                               std::string(kPemX),
                           "", "")),
              HasSubstr("contradicts certificate-authority; remove one"));
}

TEST_F(KubeconfigTest, RefusesDataThatIsNoPemWithoutShowingIt) {
  for (const char* data : {"c2VjcmV0", "secret!", "c2VjcmV"})
    EXPECT_THAT(refused(as_user(std::string("client-key-data: ") + data)),
                AllOf(HasSubstr("client-key-data: not base64 of PEM"),
                      Not(HasSubstr(data))));
}

TEST_F(KubeconfigTest, RefusesHalfAPair) {
  EXPECT_THAT(refused(as_user("client-key-data: " + std::string(kPemX))),
              HasSubstr("client-key: the other half is missing"));
  EXPECT_THAT(
      refused(as_user("client-certificate-data: " + std::string(kPemX))),
      HasSubstr("client-certificate: the other half is missing"));
}

}  // namespace
}  // namespace chrysalis::kube
