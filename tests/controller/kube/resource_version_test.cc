#include "controller/kube/resource_version.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "controller/kube/decode.h"
#include "controller/kube/transport.h"

namespace chrysalis::kube {
namespace {

__extension__ using U128 = unsigned __int128;

const std::string k39 = "340282366920938463463374607431768211455";

TEST(ResourceVersion, Case26_RefusesWhatIsNoVersion) {
  for (const std::string& bad :
       {std::string(), std::string("0"), std::string("007"), std::string("-1"),
        std::string("1 "), std::string("12a"), std::string("1.5"),
        std::string("١٢"), std::string("1\0", 2), k39 + "0"}) {
    EXPECT_FALSE(is_resource_version(bad)) << bad;
    EXPECT_EQ(compare_resource_versions(bad, "1"), std::nullopt) << bad;
    EXPECT_EQ(compare_resource_versions("1", bad), std::nullopt) << bad;
    EXPECT_FALSE(is_older(bad, "5")) << bad;
    EXPECT_FALSE(is_older("5", bad)) << bad;
  }
}

TEST(ResourceVersion, Case26_LongerIsNewerThenBytes) {
  EXPECT_TRUE(is_older("9", "10"));
  EXPECT_TRUE(is_older("199", "200"));
  EXPECT_FALSE(is_older("200", "200"));
  EXPECT_TRUE(is_resource_version(k39));
  EXPECT_TRUE(is_older("18446744073709551616", k39));
  EXPECT_TRUE(is_older("18446744073709551615", "18446744073709551616"));
}

// Against the order of numbers, with 128-bit arithmetic as the reference.
TEST(ResourceVersion, Case26_IsTheOrderOfNumbers) {
  std::mt19937_64 random(26);
  const auto make = [&] {
    U128 n = (static_cast<U128>(random()) << 64) | random();
    n >>= random() % 128;
    if (n == 0) n = 1;
    std::string text;
    for (auto rest = n; rest > 0; rest /= 10)
      text.insert(text.begin(), static_cast<char>('0' + rest % 10));
    return std::pair(n, text);
  };
  for (int i = 0; i < 20'000; ++i) {
    const auto [a, a_text] = make();
    const auto [b, b_text] = make();
    const auto order = compare_resource_versions(a_text, b_text);
    ASSERT_TRUE(order.has_value()) << a_text << " " << b_text;
    EXPECT_EQ(*order < 0, a < b) << a_text << " " << b_text;
    EXPECT_EQ(*order == 0, a == b) << a_text << " " << b_text;
  }
}

}  // namespace
}  // namespace chrysalis::kube
