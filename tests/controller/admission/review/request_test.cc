#include "controller/admission/review/request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/admission/review/reviewer.h"
#include "tests/controller/admission/review/reviews.h"
#include "tests/controller/api/objects.h"

namespace chrysalis::admission {
namespace {

using api::Kind;
using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kPlain = R"({"source": {"image": {"name": "i"}}})";

json a_vm(const char* spec = kPlain) {
  return api::object_of(Kind::kVirtualMachine, "a", spec);
}
json a_review() { return review_of(Kind::kVirtualMachine, "CREATE", a_vm()); }

ReadReview read(const std::string& text, const ReviewLimits& limits = {}) {
  kube::JsonReader reader;
  const kube::PaddedCopy copy(text);
  return read_review(reader, copy.json(), limits);
}

TEST(ReviewRequest, KeepsWhatTheRulesLookAt) {
  json object = a_vm(R"({"source": {"image": {"name": "i"}}, "queueSize": 2,
                         "x": [1, -1, 1.5, true, null, {"y": "\u00e9\n"}]})");
  object["metadata"]["managedFields"] = {{{"manager", "kubectl"}}};
  object["metadata"]["generation"] = 1;
  object["status"] = {{"phase", "Running"}};
  json old = a_vm();
  const auto got =
      read(review_of(Kind::kVirtualMachine, "UPDATE", object, old).dump(2));
  EXPECT_EQ(got.fault, "");
  object["metadata"].erase("managedFields");
  object["metadata"].erase("generation");
  object.erase("status");
  EXPECT_EQ(got.request.object, object);
  EXPECT_EQ(got.request.old, old);
  EXPECT_EQ(got.request.uid, kReviewUid);
  EXPECT_EQ(got.request.group, "chrysalis.dev");
  EXPECT_EQ(got.request.version, "v1alpha1");
  EXPECT_EQ(got.request.kind, "VirtualMachine");
  EXPECT_EQ(got.request.name, "a");
  EXPECT_EQ(got.request.operation, Operation::kUpdate);
}

TEST(ReviewRequest, ReadsTheOperationsAndTheSubresource) {
  for (const auto& [text, operation] : {std::pair{"CREATE", Operation::kCreate},
                                        {"UPDATE", Operation::kUpdate},
                                        {"DELETE", Operation::kDelete},
                                        {"CONNECT", Operation::kConnect}}) {
    json review = a_review();
    review["request"]["operation"] = text;
    review["request"]["subResource"] = "status";
    const auto got = read(review.dump());
    EXPECT_EQ(got.fault, "");
    EXPECT_EQ(got.request.operation, operation);
    EXPECT_EQ(got.request.subresource, "status");
  }
}

struct BadReview {
  const char* name;
  void (*with)(json& review);
  const char* fault;
};
const BadReview kBad[] = {
    {"another kind", [](json& r) { r["kind"] = "Review"; },
     "this is \"Review\" of \"admission.k8s.io/v1\""},
    {"another version",
     [](json& r) { r["apiVersion"] = "admission.k8s.io/v2"; },
     "this is \"AdmissionReview\" of \"admission.k8s.io/v2\""},
    {"no kind", [](json& r) { r.erase("kind"); }, "this is \"\""},
    {"no request", [](json& r) { r.erase("request"); },
     "request: Required value"},
    {"a request of text", [](json& r) { r["request"] = "x"; },
     "request.must be an object"},
    {"no uid", [](json& r) { r["request"].erase("uid"); },
     "request.uid: Required value"},
    {"a uid of 7", [](json& r) { r["request"]["uid"] = 7; },
     "request.uid: must be a string"},
    {"no operation", [](json& r) { r["request"].erase("operation"); },
     "request.operation: must be CREATE, UPDATE, DELETE or CONNECT"},
    {"an operation of its own",
     [](json& r) { r["request"]["operation"] = "X"; },
     "request.operation: must be CREATE, UPDATE, DELETE or CONNECT"},
    {"a kind of text", [](json& r) { r["request"]["kind"] = "x"; },
     "request.kind.must be an object"},
    {"an object of text", [](json& r) { r["request"]["object"] = "x"; },
     "request.object.must be an object"},
    {"a list of metadata",
     [](json& r) { r["request"]["object"]["metadata"] = json::array(); },
     "request.object.metadata.must be an object"},
};

TEST(ReviewRequest, WhatIsNoReviewIsSaidByItsField) {
  for (const BadReview& bad : kBad) {
    json review = a_review();
    bad.with(review);
    EXPECT_THAT(read(review.dump()).fault, HasSubstr(bad.fault)) << bad.name;
  }
}

TEST(ReviewRequest, WhatIsNoJsonIsSaid) {
  const std::string whole = a_review().dump();
  for (const std::string& text :
       {std::string(), std::string("hello"), std::string("[]"),
        std::string("7"), std::string("{"), std::string("\xff\xfe"),
        std::string(1, '\0'), whole.substr(0, whole.size() - 2)})
    EXPECT_NE(read(text).fault, "") << text;
}

TEST(ReviewRequest, NoCutOfAReviewIsTakenForAWholeOne) {
  const std::string whole = a_review().dump();
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_NE(read(whole.substr(0, n)).fault, "") << n;
}

TEST(ReviewRequest, IsBounded) {
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  const std::string text = a_review().dump();
  const auto with = [&](const std::string& field) {
    std::string out = text;
    out.replace(out.find("\"source\""), 0, field + ",");
    return read(out, {.values = 1000});
  };
  EXPECT_THAT(with("\"x\":" + deep).fault, HasSubstr("nested deeper than 64"));
  std::string many = "[0";
  for (int n = 0; n < 1000; ++n) many += ",0";
  EXPECT_THAT(with("\"x\":" + many + "]").fault,
              HasSubstr("more than 1000 values"));
  EXPECT_THAT(with(R"("source":{})").fault,
              HasSubstr("spec.source: stands there twice"));
  EXPECT_THAT(read(text, {.bytes = text.size() - 1}).fault,
              HasSubstr("larger than"));
  // Where nothing is kept, nothing is built: 10,000 arrays deep, no stack.
  json review = a_review();
  std::string options = review.dump();
  options.replace(options.find("\"options\""), 9,
                  "\"x\":" + std::string(10'000, '[') +
                      std::string(10'000, ']') + ",\"options\"");
  EXPECT_EQ(read(options).fault, "");
}

TEST(ReviewRequest, KeysOfTheFrameStandOnceAndAreFew) {
  std::string twice = a_review().dump();
  twice.replace(twice.find("\"uid\""), 0, "\"uid\":\"other\",");
  EXPECT_THAT(read(twice).fault, HasSubstr("uid: stands there twice"));
  json review = a_review();
  for (int n = 0; n < 100; ++n) review["request"]["k" + std::to_string(n)] = n;
  EXPECT_THAT(read(review.dump()).fault, HasSubstr("more than 64 keys"));
}

TEST(Reviewer, AnswersByAReviewWhereItCanAndByASentenceWhereNot) {
  Reviewer reviewer;
  const auto post = [&](const json& review) {
    const kube::PaddedCopy copy(review.dump());
    return reviewer.review(copy.json());
  };
  Reviewed got = post(a_review());
  EXPECT_EQ(got.http_status, 200);
  EXPECT_EQ(got.content_type, "application/json");
  EXPECT_EQ(json::parse(got.body)["response"]["allowed"], true);
  json bad = a_review();
  bad["request"]["operation"] = "X";
  got = post(bad);
  EXPECT_EQ(got.http_status, 200);
  EXPECT_EQ(json::parse(got.body)["response"]["uid"], kReviewUid);
  EXPECT_EQ(json::parse(got.body)["response"]["status"]["code"], 400);
  bad["request"].erase("uid");
  got = post(bad);
  EXPECT_EQ(got.http_status, 400);
  EXPECT_THAT(got.body, HasSubstr("AdmissionReview: request."));
  got = post(a_review());  // and the next is none the worse
  EXPECT_EQ(json::parse(got.body)["response"]["allowed"], true);
}

}  // namespace
}  // namespace chrysalis::admission
