#include "src/base/bounded_json.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace chrysalis {
namespace {

using ::testing::HasSubstr;

TEST(JsonLimits, SayWhichLimit) {
  EXPECT_THAT(parse_json("[[[]]]", {.depth = 2}).error().message,
              HasSubstr("deeper"));
  EXPECT_THAT(parse_json("[1,2,3]", {.values = 2}).error().message,
              HasSubstr("values"));
  EXPECT_THAT(parse_json("[1,2,3]", {.bytes = 2}).error().message,
              HasSubstr("larger"));
  EXPECT_THAT(parse_json(R"({"a":{"b":1,"b":2}})").error().message,
              HasSubstr("twice: b"));
  EXPECT_TRUE(parse_json(R"({"a":{"b":1},"c":{"b":"[[\"[["}})", {.depth = 2}));
}

}  // namespace
}  // namespace chrysalis
