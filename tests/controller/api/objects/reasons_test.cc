#include "controller/api/objects/reasons.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace chrysalis::api {
namespace {

TEST(Reasons, NoWordStandsTwiceInTheTwoLists) {
  std::set<std::string_view> seen;
  for (const std::string_view word : every_reason())
    EXPECT_TRUE(seen.insert(word).second) << word;
  EXPECT_EQ(seen.size(), static_cast<size_t>(kLastStatusReason) + 1 +
                             static_cast<size_t>(engine::kLastReason));
}

TEST(Reasons, EachParsesBackFromItsOwnListOnly) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(kLastStatusReason); ++i) {
    const auto reason = static_cast<StatusReason>(i);
    EXPECT_EQ(parse_status_reason(to_string(reason)), reason);
    EXPECT_EQ(engine::parse_reason(to_string(reason)), std::nullopt);
    EXPECT_TRUE(is_reason(to_string(reason)));
  }
  EXPECT_TRUE(is_reason(to_string(engine::kLastReason)));
  EXPECT_FALSE(is_reason("None"));
  EXPECT_FALSE(is_reason(""));
  EXPECT_EQ(parse_status_reason("Sad"), std::nullopt);
}

// metav1.Condition: CamelCase, no spaces.
TEST(Reasons, AreCamelCaseAndFitTheSchema) {
  const auto letter = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  for (const std::string_view word : every_reason()) {
    EXPECT_TRUE(std::ranges::all_of(word, letter)) << word;
    EXPECT_LT(word.front(), 'a') << word;
    EXPECT_LE(word.size(), 128U) << word;
  }
}

}  // namespace
}  // namespace chrysalis::api
