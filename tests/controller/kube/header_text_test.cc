#include "controller/kube/header_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chrysalis::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(HeaderText, ReadsWarningsAloneAndInAList) {
  EXPECT_THAT(warning_texts(R"(299 - "v1 is \"old\"")"),
              ElementsAre(R"(v1 is "old")"));
  EXPECT_THAT(warning_texts(
                  R"(299 - "a, b" "Tue, 24 Nov 2026 09:00:00 GMT", 299 x "c")"),
              ElementsAre("a, b", "c"));
  EXPECT_THAT(warning_texts(R"(110 - "stale", 299 - "c")"), ElementsAre("c"));
  for (const char* none :
       {"", "299", "299 - ", "299 - \"\"", ",,,", "199 - \"x"})
    EXPECT_THAT(warning_texts(none), IsEmpty()) << none;
  EXPECT_THAT(warning_texts("299 - \"torn\\"), ElementsAre("torn\\"));
}

TEST(HeaderText, ReadsSecondsToWait) {
  EXPECT_EQ(retry_after("7"), seconds(7));
  EXPECT_EQ(retry_after("0"), seconds(0));
  for (const char* none : {"", "-1", "7s", "Tue, 24 Nov 2026 09:00:00 GMT",
                           "99999999999999999999"})
    EXPECT_EQ(retry_after(none), std::nullopt) << none;
}

}  // namespace
}  // namespace chrysalis::kube
