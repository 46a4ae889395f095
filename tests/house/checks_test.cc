// Small trees that break one rule each: a check that cannot fail is none.

#include "tests/house/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/house/rules.h"

namespace chrysalis::house {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string lines(int count) {
  return std::string(static_cast<size_t>(count), '\n');
}

TEST(Arrows, AllowedOnesPass) {
  EXPECT_THAT(
      forbidden_arrows({{"src/base/result.h", ""},
                        {"src/model/a.h", "#include \"src/base/result.h\"\n"},
                        {"src/model/a.cc", "#include \"src/model/a.h\"\n"}}),
      IsEmpty());
}

TEST(Arrows, SrcMayNotKnowController) {
  EXPECT_THAT(forbidden_arrows(
                  {{"controller/api/a.h", ""},
                   {"src/engine/a.cc", "\n#include \"controller/api/a.h\"\n"}}),
              ElementsAre(AllOf(StartsWith("src/engine/a.cc:2:"),
                                HasSubstr("never heard of controller"))));
  EXPECT_THAT(forbidden_arrows({{"tests/src/engine/a_test.cc",
                                 "#include \"controller/api/a.h\"\n"}}),
              ElementsAre(HasSubstr("tested without controller")));
}

TEST(Arrows, AgainstTheTableIsFound) {
  EXPECT_THAT(
      forbidden_arrows({{"src/store/paths.h", ""},
                        {"src/model/a.h", "#include \"src/store/paths.h\"\n"}}),
      ElementsAre(HasSubstr("src/model -> src/store/paths.h")));
}

TEST(Arrows, ALentHeaderDoesNotLendItsFolder) {
  const Tree tree = {
      {"src/engine/request.h", ""},
      {"src/engine/driver.h", ""},
      {"controller/reconcile/a.h",
       "#include \"src/engine/request.h\"\n#include \"src/engine/driver.h\"\n"},
  };
  EXPECT_THAT(forbidden_arrows(tree),
              ElementsAre(HasSubstr("-> src/engine/driver.h")));
}

TEST(Arrows, AnIncludeIsWrittenFromTheRoot) {
  EXPECT_THAT(forbidden_arrows({{"src/model/a.h", ""},
                                {"src/model/a.cc", "#include \"a.h\"\n"}}),
              ElementsAre(HasSubstr("no such file from the root: a.h")));
}

TEST(Arrows, ANewFolderNeedsARow) {
  EXPECT_THAT(
      forbidden_arrows({{"src/base/result.h", ""},
                        {"src/new/a.h", "#include \"src/base/result.h\"\n"}}),
      ElementsAre(HasSubstr("no row in the table")));
}

TEST(Pure, ComputingPasses) {
  EXPECT_THAT(impurities({{"src/model/a.cc",
                           "#include <vector>\n#include <nlohmann/json.hpp>\n"
                           "int uptime(int); int g(A a) { return a.time(); }\n"
                           "const char* s = \"getenv(\";  // ::now()\n"}}),
              IsEmpty());
}

class Impure : public testing::TestWithParam<std::string> {};

TEST_P(Impure, IncludeOrCallIsFound) {
  for (const char* path :
       {"src/model/a.h", "src/engine/machine/a.cc", "controller/api/a.cc",
        "controller/kube/watch_step.cc", "controller/runtime/queue_state.h",
        "src/hypervisor/firecracker/requests.cc"}) {
    EXPECT_THAT(
        impurities({{path, "\n" + GetParam() + "\n"}, {"src/base/log.h", ""}}),
        ElementsAre(StartsWith(std::string(path) + ":2: PURE")))
        << path;
    EXPECT_THAT(impurities({{"src/engine/driver.cc", GetParam()}}), IsEmpty());
  }
}
INSTANTIATE_TEST_SUITE_P(
    Each, Impure,
    testing::Values("#include <thread>", "#include <mutex>",
                    "#include <atomic>", "#include <fstream>",
                    "#include <iostream>", "#include <cstdio>",
                    "#include <unistd.h>", "#include <sys/stat.h>",
                    "#include <filesystem>", "#include <random>",
                    "#include <ctime>", "#include <spdlog/spdlog.h>",
                    "#include <boost/asio.hpp>", "#include <sqlite3.h>",
                    "#include <yaml-cpp/yaml.h>", "#include \"src/base/log.h\"",
                    "auto t = std::chrono::steady_clock::now();",
                    "auto* e = std::getenv(\"HOME\");",
                    "const auto t = time(nullptr);", "std::printf(\"x\");"));

TEST(Pure, AForbiddenHeaderIsFoundThroughAnother) {
  EXPECT_THAT(impurities({{"src/model/a.h", "#include \"src/base/b.h\"\n"},
                          {"src/base/b.h", "#include \"src/base/c.h\"\n"},
                          {"src/base/c.h", "#include <mutex>\n"}}),
              ElementsAre("src/model/a.h:1: PURE, but includes mutex through "
                          "src/base/b.h, src/base/c.h"));
}

TEST(Pure, APathMayComeAsAValueOfAnother) {
  EXPECT_THAT(
      impurities({{"src/hypervisor/firecracker/requests.h",
                   "#include \"src/hypervisor/backend.h\"\n"},
                  {"src/hypervisor/backend.h", "#include <filesystem>\n"}}),
      IsEmpty());
}

TEST(Pure, ARenamedFileIsMissed) {
  Tree tree;
  for (const auto stem : pure_stems()) tree[std::string(stem) + ".h"] = "";
  EXPECT_THAT(lost_pure_files(tree), IsEmpty());
  tree.erase("controller/kube/watch_step.h");
  EXPECT_THAT(lost_pure_files(tree),
              ElementsAre(StartsWith("controller/kube/watch_step.h")));
}

TEST(Words, ClusterIsUnknownBelowSrc) {
  EXPECT_THAT(
      cluster_words({{"src/a/README.md", "\nOf Kubernetes\n"},
                     {"src/b.cc", "the CRDs, a crd_t"},
                     {"src/c.cc", "xk8sx"},
                     {"controller/d.cc", "kubectl"}}),
      ElementsAre(StartsWith("src/a/README.md:2:"), StartsWith("src/b.cc:1:"),
                  StartsWith("src/c.cc:1:")));
}

TEST(Readmes, ALibraryNeedsAShortOne) {
  const std::string library = "chrysalis_library(src/a)";
  EXPECT_THAT(missing_readmes({{"src/a/CMakeLists.txt", library}}),
              ElementsAre(StartsWith("src/a/README.md: missing")));
  EXPECT_THAT(missing_readmes({{"src/a/CMakeLists.txt", library},
                               {"src/a/README.md", lines(21)}}),
              ElementsAre(HasSubstr("longer than 20")));
  EXPECT_THAT(missing_readmes({{"src/a/CMakeLists.txt", library},
                               {"src/a/README.md", lines(20)},
                               {"src/CMakeLists.txt", "add_subdirectory(a)"}}),
              IsEmpty());
}

TEST(Length, SixHundredLinesAreEnough) {
  EXPECT_THAT(long_files({{"src/a.cc", lines(600)},
                          {"tests/b.cc", lines(601)},
                          {"tests/golden/c.json", lines(601)}}),
              ElementsAre(StartsWith("tests/b.cc:601:")));
}

TEST(Sleeps, AreFoundInCodeOnly) {
  EXPECT_THAT(sleeps({{"tests/a.cc", "std::this_thread::sleep_for(1s);"},
                      {"src/b.cc", "\n::usleep(1); // and\n"},
                      {"src/c.cc", "// nanosleep\n\"usleep\"; SYS_nanosleep"},
                      {"src/d.cc", "::nanosleep(&t, nullptr);"}}),
              ElementsAre(StartsWith("src/b.cc:2:"), StartsWith("src/d.cc:1:"),
                          StartsWith("tests/a.cc:1:")));
}

}  // namespace
}  // namespace chrysalis::house
