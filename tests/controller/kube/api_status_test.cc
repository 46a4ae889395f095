#include "controller/kube/api_status.h"

#include <gtest/gtest.h>

namespace chrysalis::kube {
namespace {

ApiStatus status(int code, std::string reason = {}, std::string cause = {}) {
  ApiStatus out{.code = code,
                .reason = std::move(reason),
                .message = "m",
                .causes = {},
                .retry_after = {}};
  if (!cause.empty()) out.causes.push_back({std::move(cause), "spec.x", "c"});
  return out;
}

TEST(ApiStatus, TellsTheThreeMeaningsOf409Apart) {
  EXPECT_EQ(classify(status(409, "Conflict")), Refusal::kConflict);
  EXPECT_EQ(classify(status(409, "AlreadyExists")), Refusal::kAlreadyExists);
  EXPECT_EQ(classify(status(409, "Conflict", "FieldManagerConflict")),
            Refusal::kFieldManagerConflict);
}

TEST(ApiStatus, TooLargeVersionIsA504WithItsCause) {
  EXPECT_EQ(classify(status(504, "Timeout", "ResourceVersionTooLarge")),
            Refusal::kVersionTooLarge);
  EXPECT_EQ(classify(status(504, "Timeout")), Refusal::kServer);
}

TEST(ApiStatus, ClassifiesByCode) {
  const std::pair<int, Refusal> rows[] = {
      {302, Refusal::kRedirect},        {400, Refusal::kInvalid},
      {401, Refusal::kUnauthorized},    {403, Refusal::kForbidden},
      {404, Refusal::kNotFound},        {410, Refusal::kExpired},
      {413, Refusal::kTooLarge},        {415, Refusal::kInvalid},
      {418, Refusal::kOther},           {422, Refusal::kInvalid},
      {429, Refusal::kTooManyRequests}, {500, Refusal::kServer},
      {503, Refusal::kServer}};
  for (const auto& [code, expected] : rows)
    EXPECT_EQ(classify(status(code)), expected) << code;
  EXPECT_EQ(classify(status(0, "Expired")), Refusal::kExpired);
}

TEST(ApiStatus, CodesFollowWhatTheCallerDoes) {
  EXPECT_EQ(code_of(Refusal::kNotFound), Code::kNotFound);
  EXPECT_EQ(code_of(Refusal::kConflict), Code::kConflict);
  EXPECT_EQ(code_of(Refusal::kInvalid), Code::kInvalid);
  EXPECT_EQ(code_of(Refusal::kServer), Code::kUnavailable);
  EXPECT_EQ(code_of(Refusal::kForbidden), Code::kUnavailable);
}

TEST(ApiStatus, DescribesACauseOnce) {
  EXPECT_EQ(describe(status(422, "Invalid", "FieldValueForbidden")),
            "422 Invalid: m; spec.x: c");
  ApiStatus repeated = status(422, "Invalid", "FieldValueForbidden");
  repeated.message = "spec.x: c";
  EXPECT_EQ(describe(repeated), "422 Invalid: spec.x: c");
}

}  // namespace
}  // namespace chrysalis::kube
