#include "controller/kube/credentials.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/fakes/fake_clock.h"

namespace chrysalis::kube {
namespace {

class CredentialsTest : public testing::Test {
 protected:
  Credentials credentials(const Access& access) {
    return {access, clock_,
            [this](const std::filesystem::path& path) -> Result<std::string> {
              ++reads_;
              const auto it = files_.find(path);
              if (it == files_.end()) return fail(Code::kNotFound, "gone");
              return it->second;
            }};
  }
  FakeClock clock_;
  std::map<std::filesystem::path, std::string> files_;
  int reads_ = 0;
};

// Case 35.
TEST_F(CredentialsTest, RereadsTheTokenAndKeepsTheOldOne) {
  files_["/t"] = "one\n";
  auto credentials = this->credentials({.token_file = "/t"});
  EXPECT_EQ(credentials.authorization().value(), "Bearer one");
  files_["/t"] = "two";
  clock_.advance(seconds(59));
  EXPECT_EQ(credentials.authorization().value(), "Bearer one");
  clock_.advance(seconds(1));
  EXPECT_EQ(credentials.authorization().value(), "Bearer two");
  files_.clear();
  clock_.advance(seconds(60));
  EXPECT_EQ(credentials.authorization().value(), "Bearer two");
  files_["/t"] = "three\r\nX-Evil: 1";  // no header of ours
  EXPECT_EQ(credentials.authorization().value(), "Bearer two");
  files_["/t"] = "three";
  credentials.refresh();
  EXPECT_EQ(credentials.authorization().value(), "Bearer three");
}

TEST_F(CredentialsTest, FailsWhileThereWasNeverAToken) {
  auto credentials = this->credentials({.token_file = "/t"});
  EXPECT_EQ(credentials.authorization().error().code, Code::kNotFound);
  files_["/t"] = " \n";
  EXPECT_EQ(credentials.authorization().error().code, Code::kInvalid);
}

TEST_F(CredentialsTest, KnowsTheOtherForms) {
  EXPECT_EQ(credentials({}).authorization().value(), "");
  EXPECT_EQ(credentials({.token = "x"}).authorization().value(), "Bearer x");
  EXPECT_EQ(
      credentials({.username = "u", .password = "p"}).authorization().value(),
      "Basic dTpw");
}

TEST_F(CredentialsTest, SwapsCertificatesOnlyWhenTheyChanged) {
  files_["/ca"] = "A";
  auto credentials = this->credentials({.ca = {.file = "/ca"}});
  const auto first = credentials.tls().value();
  EXPECT_EQ(first->ca, "A");
  clock_.advance(seconds(300));
  EXPECT_EQ(credentials.tls().value(), first);
  files_["/ca"] = "B";
  EXPECT_EQ(credentials.tls().value(), first);
  clock_.advance(seconds(300));
  EXPECT_EQ(credentials.tls().value()->ca, "B");
  files_.clear();
  credentials.refresh();
  EXPECT_EQ(credentials.tls().value()->ca, "B");
}

}  // namespace
}  // namespace chrysalis::kube
