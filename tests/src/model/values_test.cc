#include "src/model/values.h"

#include <gtest/gtest.h>

namespace chrysalis::model {
namespace {

TEST(Quantity, ReadsWhatAQuantityMaySay) {
  EXPECT_EQ(parse_quantity("1Gi"), 1_GiB);
  EXPECT_EQ(parse_quantity("512Mi"), 512_MiB);
  EXPECT_EQ(parse_quantity("1.5Gi"), 1536_MiB);
  EXPECT_EQ(parse_quantity("1000"), Bytes{1000});
  EXPECT_EQ(parse_quantity("1k"), Bytes{1000});
  EXPECT_EQ(parse_quantity("1e3"), Bytes{1000});
  EXPECT_EQ(parse_quantity("12E"), Bytes{12'000'000'000'000'000'000ULL});
  EXPECT_EQ(parse_quantity("0"), Bytes{0});
}

TEST(Quantity, RefusesWhatIsNoWholeNumberOfBytes) {
  for (const char* text :
       {"", "Gi", "-1Gi", "1gi", "1 Gi", "0.5", "1m", "16Ei", "20E", "1e",
        "1e999", "99999999999999999999", "1.2.3", "0x10", "1Gi "})
    EXPECT_EQ(parse_quantity(text), std::nullopt) << text;
}

TEST(Quantity, WritesTheLargestBinaryUnit) {
  EXPECT_EQ(format_quantity(1_GiB), "1Gi");
  EXPECT_EQ(format_quantity(1536_MiB), "1536Mi");
  EXPECT_EQ(format_quantity(Bytes{1000}), "1000");
  EXPECT_EQ(format_quantity(Bytes{0}), "0");
  for (const uint64_t n : {1ULL, 1023ULL, 1024ULL, 1ULL << 40, ~0ULL >> 4})
    EXPECT_EQ(parse_quantity(format_quantity(Bytes{n})), Bytes{n});
}

TEST(Names, EveryEnumeratorReadsBackAsItself) {
  for (const auto v : kHypervisors)
    EXPECT_EQ(parse_hypervisor(to_string(v)), v);
  for (const auto v : kSources) EXPECT_EQ(parse_source(to_string(v)), v);
  for (const auto v : kPowerStates)
    EXPECT_EQ(parse_power_state(to_string(v)), v);
  for (const auto v : kRestartPolicies)
    EXPECT_EQ(parse_restart_policy(to_string(v)), v);
  EXPECT_EQ(parse_hypervisor("cloudhypervisor"), std::nullopt);
}

}  // namespace
}  // namespace chrysalis::model
