// The rules of CONTRIBUTING.md, held against this repository.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/house/checks.h"

namespace chrysalis::house {
namespace {

using testing::IsEmpty;

class House : public testing::Test {
 protected:
  void SetUp() override {
    // An empty tree breaks no rule: see that it is this one.
    ASSERT_TRUE(tree_.contains("src/base/result.h")) << CHRYSALIS_SOURCE_DIR;
    ASSERT_TRUE(tree_.contains("tests/house/house_test.cc"));
  }
  Tree tree_ = read_tree(CHRYSALIS_SOURCE_DIR, {"src", "controller", "tests"});
};

TEST_F(House, ArrowsPointDown) {
  EXPECT_THAT(forbidden_arrows(tree_), IsEmpty());
}
TEST_F(House, TheTableOfArrowsIsALayering) {
  EXPECT_THAT(table_loops(), IsEmpty());
}
TEST_F(House, PureFilesArePure) { EXPECT_THAT(impurities(tree_), IsEmpty()); }
TEST_F(House, PureFilesAreThere) {
  EXPECT_THAT(lost_pure_files(tree_), IsEmpty());
}
TEST_F(House, SrcHasNeverHeardOfTheCluster) {
  EXPECT_THAT(cluster_words(tree_), IsEmpty());
}
TEST_F(House, EveryLibraryHasAShortReadme) {
  EXPECT_THAT(missing_readmes(tree_), IsEmpty());
}
TEST_F(House, FilesAreShort) { EXPECT_THAT(long_files(tree_), IsEmpty()); }
TEST_F(House, NobodySleeps) { EXPECT_THAT(sleeps(tree_), IsEmpty()); }

}  // namespace
}  // namespace chrysalis::house
