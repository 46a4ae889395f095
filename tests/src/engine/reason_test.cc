#include "src/engine/reason.h"

#include <gtest/gtest.h>

#include <set>

#include "src/engine/engine.h"

namespace chrysalis::engine {
namespace {

TEST(Reason, NamesAreDistinctAndRoundTrip) {
  std::set<std::string_view> seen;
  for (uint8_t i = 0; i <= static_cast<uint8_t>(kLastReason); ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_FALSE(to_string(reason).empty()) << int{i};
    EXPECT_TRUE(seen.insert(to_string(reason)).second) << to_string(reason);
    EXPECT_EQ(parse_reason(to_string(reason)), reason);
  }
  EXPECT_EQ(parse_reason("Nonsense"), std::nullopt);
}

TEST(Request, KnowsItsKind) {
  EXPECT_EQ(to_string(kind_of(Request{RestoreRequest{}})), "Restore");
  EXPECT_EQ(to_string(kind_of(Request{StopRequest{}})), "Stop");
}

}  // namespace
}  // namespace chrysalis::engine
