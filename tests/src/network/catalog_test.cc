#include "src/network/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace chrysalis::network {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string nested(size_t levels) {
  return R"({"plugins":[{}],"x":)" + std::string(levels, '[') +
         std::string(levels, ']') + "}";
}

TEST(ParseConflist, TakesTheFirstMtuThatIsNamed) {
  const auto net = parse_conflist(
      "blue", R"({"name":"other","plugins":[{"type":"a"},{"mtu":0},
                  {"mtu":1400},{"mtu":9000}]})");
  ASSERT_TRUE(net) << net.error().message;
  EXPECT_EQ(net->name, "blue");
  EXPECT_EQ(net->mtu, 1400);
  EXPECT_FALSE(net->built_in);
  EXPECT_EQ(parse_conflist("b", R"({"plugins":[{}]})")->mtu, kDefaultMtu);
}

TEST(ParseConflist, RefusesWhatIsNotAConflist) {
  for (const std::string text :
       {"", "[]", "{", "{}", R"({"plugins":[]})", R"({"plugins":{}})",
        R"({"plugins":[1]})", R"({"plugins":[{"mtu":"1500"}]})",
        R"({"plugins":[{"mtu":-1}]})", R"({"plugins":[{"mtu":1400.5}]})",
        R"({"plugins":[{"mtu":1279}]})", R"({"plugins":[{"mtu":65536}]})"}) {
    const auto net = parse_conflist("n", text);
    ASSERT_FALSE(net) << text;
    EXPECT_EQ(net.error().code, Code::kInvalid) << text;
  }
}

TEST(ParseConflist, HasLimits) {
  EXPECT_TRUE(parse_conflist("n", nested(31)));
  EXPECT_FALSE(parse_conflist("n", nested(32)));
  EXPECT_FALSE(parse_conflist("n", std::string(2'000'000, '[')));
  EXPECT_FALSE(parse_conflist(
      "n", R"({"plugins":[{}]})" + std::string(size_t{1} << 20, ' ')));
}

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/chrysalis-network-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void put(const std::string& file, const std::string& mtu) {
    std::ofstream(root_ / file) << R"({"plugins":[{"mtu":)" + mtu + "}]}";
  }
  std::filesystem::path root_;
};

TEST_F(CatalogTest, HasABuiltInWithoutADirectory) {
  const NetworkCatalog catalog(root_ / "none");
  EXPECT_TRUE(catalog.find("default")->built_in);
  EXPECT_EQ(catalog.first()->name, "default");
  EXPECT_THAT(*catalog.names(), ElementsAre("default"));
}

TEST_F(CatalogTest, TakesTheFirstFileElseTheBuiltIn) {
  const NetworkCatalog catalog(root_);
  EXPECT_TRUE(catalog.first()->built_in);
  put("red.conflist", "1300");
  put("mauve.conflist", "1400");
  put("another.conf", "1500");
  EXPECT_EQ(catalog.first()->name, "mauve");
  EXPECT_EQ(catalog.first()->mtu, 1400);
  EXPECT_THAT(*catalog.names(), ElementsAre("default", "mauve", "red"));
}

TEST_F(CatalogTest, LetsAFileReplaceTheBuiltIn) {
  put("default.conflist", "1400");
  const auto net = NetworkCatalog(root_).find("default");
  EXPECT_EQ(net->mtu, 1400);
  EXPECT_FALSE(net->built_in);
  put("default.conflist", "1");
  EXPECT_FALSE(NetworkCatalog(root_).find("default"));
}

TEST_F(CatalogTest, NamesTheFileThatIsMissingOrWrong) {
  put("bad.conflist", "1");
  const auto missing = NetworkCatalog(root_).find("blue");
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("blue.conflist"));
  const auto bad = NetworkCatalog(root_).find("bad");
  EXPECT_EQ(bad.error().code, Code::kInvalid);
  EXPECT_THAT(bad.error().message, HasSubstr("bad.conflist: mtu"));
}

TEST_F(CatalogTest, FollowsNoLinkAndLeavesNoRoot) {
  put("real.conflist", "1400");
  std::filesystem::create_symlink("real.conflist", root_ / "link.conflist");
  ASSERT_EQ(::mkfifo((root_ / "fifo.conflist").c_str(), 0600), 0);
  std::filesystem::create_directory(root_ / "dir.conflist");
  std::filesystem::create_directory(root_ / "sub");
  const NetworkCatalog catalog(root_ / "sub");
  for (const char* name : {"../real", "/real", "", ".", "..", "a/b", "-x"})
    EXPECT_EQ(catalog.find(name).error().code, Code::kInvalid) << name;
  for (const char* name : {"link", "fifo", "dir"})
    EXPECT_EQ(NetworkCatalog(root_).find(name).error().code, Code::kInvalid)
        << name;
}

}  // namespace
}  // namespace chrysalis::network
