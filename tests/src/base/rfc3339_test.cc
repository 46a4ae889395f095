#include <gtest/gtest.h>

#include "src/base/clock.h"

namespace chrysalis {
namespace {

using std::chrono::microseconds;

TEST(Rfc3339, WritesMicroseconds) {
  EXPECT_EQ(to_rfc3339_micro(Wall{seconds{1796000000}}),
            "2026-11-30T00:53:20.000000Z");
  EXPECT_EQ(to_rfc3339_micro(Wall{seconds{1796000000}} + microseconds{1042}),
            "2026-11-30T00:53:20.001042Z");
}

TEST(Rfc3339, ReadsWhatItWrites) {
  const Wall time = Wall{seconds{1796000000}} + microseconds{999'999};
  EXPECT_EQ(parse_rfc3339(to_rfc3339_micro(time)), time);
  EXPECT_EQ(parse_rfc3339(to_rfc3339(time)), Wall{seconds{1796000000}});
}

TEST(Rfc3339, ReadsOffsetsAndFractions) {
  const Wall time{seconds{1796000000}};
  EXPECT_EQ(parse_rfc3339("2026-11-30T02:53:20+02:00"), time);
  EXPECT_EQ(parse_rfc3339("2026-11-29T19:23:20-05:30"), time);
  EXPECT_EQ(parse_rfc3339("2026-11-30t00:53:20.5z"),
            time + microseconds{500'000});
  EXPECT_EQ(parse_rfc3339("2026-11-30T00:53:20.0000010009999999999999Z"),
            time + std::chrono::nanoseconds{1000});
  EXPECT_EQ(parse_rfc3339("2024-02-29T00:00:00Z"), Wall{seconds{1709164800}});
}

TEST(Rfc3339, RefusesWhatIsNone) {
  for (const char* text :
       {"", "2026", "2026-11-30", "2026-11-30T00:53:20", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-30T24:00:00Z",
        "2026-11-30T00:60:00Z", "2026-11-30T00:53:20.Z",
        "2026-11-30T00:53:20Z ", "2026-11-30T00:53:20+2:00",
        "-026-11-30T00:53:20Z", "2026-11-30T00:53:2 Z", "0001-01-01T00:00:00Z",
        "2026-+1-30T00:53:20Z", "2026-11-30T00:53:20+02:-1"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace chrysalis
