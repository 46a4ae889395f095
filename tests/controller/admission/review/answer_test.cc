#include "controller/admission/review/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/api/rules.h"
#include "tests/controller/admission/review/reviews.h"
#include "tests/controller/api/law_cases.h"
#include "tests/controller/api/objects.h"

namespace chrysalis::admission {
namespace {

using api::Kind;
using nlohmann::json;
using testing::HasSubstr;

json answer_to(const json& review) {
  kube::JsonReader reader;
  const kube::PaddedCopy copy(review.dump());
  const ReadReview read = read_review(reader, copy.json());
  EXPECT_EQ(read.fault, "");
  const json out = json::parse(to_json(judge_review(read.request)));
  EXPECT_EQ(out["apiVersion"], "admission.k8s.io/v1");
  EXPECT_EQ(out["kind"], "AdmissionReview");
  EXPECT_EQ(out["response"]["uid"], kReviewUid);
  return out["response"];
}
json created(const json& object) {
  return answer_to(review_of(Kind::kVirtualMachine, "CREATE", object));
}
json vm(const char* spec) {
  return api::object_of(Kind::kVirtualMachine, "a", spec);
}
constexpr const char* kPlain = R"({"source":{"image":{"name":"i"}}})";
constexpr const char* kRefused =
    R"({"source":{"snapshot":{"name":"s"}},"resources":{"cpu":2}})";

// A server of 1.36 with the rules said this of the same object, word by word.
TEST(ReviewAnswer, ARefusalIsTheStatusThatTheServersRulesGive) {
  const json got = created(vm(R"({"source":{"snapshot":{"name":"g"}},
      "resources":{"cpu":2,"memory":"1G"},"queueSize":500})"));
  EXPECT_EQ(got["allowed"], false);
  const json expected = json::parse(R"J({
    "metadata": {}, "status": "Failure", "reason": "Invalid", "code": 422,
    "message": "VirtualMachine.chrysalis.dev \"a\" is invalid: [spec.resources.cpu: Forbidden: cpu 2: a clone inherits cpu from its snapshot; remove spec.resources.cpu, spec.resources.memory: Forbidden: memory 1G: a clone inherits memory from its snapshot; remove spec.resources.memory, spec.resources.memory: Invalid value: memory 1G: must be whole MiB, as in 512Mi or 2Gi, spec.queueSize: Invalid value: queueSize 500: must be a power of two from 2 to 1024]",
    "details": {"name": "a", "group": "chrysalis.dev", "kind": "VirtualMachine",
      "causes": [
        {"reason": "FieldValueForbidden", "field": "spec.resources.cpu", "message": "Forbidden: cpu 2: a clone inherits cpu from its snapshot; remove spec.resources.cpu"},
        {"reason": "FieldValueForbidden", "field": "spec.resources.memory", "message": "Forbidden: memory 1G: a clone inherits memory from its snapshot; remove spec.resources.memory"},
        {"reason": "FieldValueInvalid", "field": "spec.resources.memory", "message": "Invalid value: memory 1G: must be whole MiB, as in 512Mi or 2Gi"},
        {"reason": "FieldValueInvalid", "field": "spec.queueSize", "message": "Invalid value: queueSize 500: must be a power of two from 2 to 1024"}]}})J");
  EXPECT_EQ(got["status"], expected);
}

TEST(ReviewAnswer, OneFaultStandsWithoutBrackets) {
  EXPECT_EQ(created(vm(R"({"source":{}})"))["status"]["message"],
            "VirtualMachine.chrysalis.dev \"a\" is invalid: spec.source: "
            "Invalid value: set exactly one of spec.source.image and "
            "spec.source.snapshot");
}

TEST(ReviewAnswer, StructureKeepsTheServersWordsAndReasons) {
  const auto cause = [](const char* spec) {
    return created(vm(spec))["status"]["details"]["causes"][0];
  };
  json got = cause(R"({"source":{"image":{"name":"i"}},"powerState":"On"})");
  EXPECT_EQ(got["reason"], "FieldValueNotSupported");
  EXPECT_THAT(got["message"], testing::StartsWith("Unsupported value: \"On\""));
  got = cause(R"({"source":{"image":{}}})");
  EXPECT_EQ(got["reason"], "FieldValueRequired");
  EXPECT_EQ(got["message"], "Required value");
  EXPECT_EQ(got["field"], "spec.source.image.name");
  got = cause(R"({"source":{"image":{"name":"i"}},"resources":{"cpu":"2"}})");
  EXPECT_EQ(got["reason"], "FieldValueTypeInvalid");
}

TEST(ReviewAnswer, EachRuleRefusesItsCaseAndAcceptsTheNeighbour) {
  for (const api::LawCase& c : api::law_cases()) {
    SCOPED_TRACE(std::string(c.rule) + " " + c.refused);
    const char* operation = c.old ? "UPDATE" : "CREATE";
    json old;
    if (c.old) old = api::defaulted(c.kind, c.name, c.old);
    const json refused = answer_to(review_of(
        c.kind, operation, api::object_of(c.kind, c.name, c.refused), old));
    EXPECT_EQ(refused["allowed"], false);
    const auto faults =
        api::find_broken(c.kind, api::defaulted(c.kind, c.name, c.refused),
                         c.old ? &old : nullptr);
    const json& causes = refused["status"]["details"]["causes"];
    ASSERT_EQ(causes.size(), faults.size());
    for (size_t n = 0; n < faults.size(); ++n) {
      EXPECT_EQ(causes[n]["field"], faults[n].fault.path);
      EXPECT_THAT(causes[n]["message"].get<std::string>(),
                  testing::EndsWith(": " + faults[n].fault.message));
    }
    const json accepted = answer_to(review_of(
        c.kind, operation, api::object_of(c.kind, "good", c.accepted), old));
    EXPECT_EQ(accepted["allowed"], true) << accepted;
    EXPECT_FALSE(accepted.contains("status"));
  }
}

TEST(ReviewAnswer, DeletionsAndSubresourcesAreAllowed) {
  json review =
      review_of(Kind::kVirtualMachine, "DELETE", nullptr, vm(kRefused));
  EXPECT_EQ(answer_to(review)["allowed"], true);
  review = review_of(Kind::kVirtualMachine, "UPDATE", vm(kRefused), vm(kPlain));
  EXPECT_EQ(answer_to(review)["allowed"], false);
  review["request"]["subResource"] = "status";
  EXPECT_EQ(answer_to(review)["allowed"], true);
}

// So that a finalizer can be taken from what was let in: as the server, which
// only warns of rules whose node did not change.
TEST(ReviewAnswer, AnUpdateThatLeavesTheSpecAloneIsAllowedWithAWarning) {
  json touched = vm(kRefused);
  touched["metadata"]["finalizers"] = {"x/y"};
  const json got = answer_to(
      review_of(Kind::kVirtualMachine, "UPDATE", touched, vm(kRefused)));
  EXPECT_EQ(got["allowed"], true);
  ASSERT_EQ(got["warnings"].size(), 1U);
  EXPECT_THAT(got["warnings"][0].get<std::string>(),
              HasSubstr("a clone inherits cpu"));
}

TEST(ReviewAnswer, HintsAreWarningsOfAtMost256Bytes) {
  const json got = created(
      vm(R"({"source":{"image":{"name":"i"}},"restore":{"snapshot":"s"}})"));
  EXPECT_EQ(got["allowed"], true);
  ASSERT_EQ(got["warnings"].size(), 1U);
  EXPECT_LE(got["warnings"][0].get<std::string>().size(), 256U);
}

TEST(ReviewAnswer, OtherGroupsAreLeftAloneAndOtherKindsOfOursRefused) {
  json review = review_of(Kind::kVirtualMachine, "CREATE", vm(kRefused));
  review["request"]["kind"]["group"] = "apps";
  json got = answer_to(review);
  EXPECT_EQ(got["allowed"], true);
  EXPECT_THAT(got["warnings"][0].get<std::string>(), HasSubstr("not reviewed"));
  for (const auto& [key, value] :
       {std::pair{"version", "v1"}, {"kind", "Machine"}}) {
    review = review_of(Kind::kVirtualMachine, "CREATE", vm(kPlain));
    review["request"]["kind"][key] = value;
    got = answer_to(review);
    EXPECT_EQ(got["allowed"], false);
    EXPECT_EQ(got["status"]["code"], 400);
    EXPECT_EQ(got["status"]["reason"], "BadRequest");
    EXPECT_THAT(got["status"]["message"].get<std::string>(),
                HasSubstr("there are VirtualMachine and VMSnapshot"));
  }
}

TEST(ReviewAnswer, AnObjectThatIsNotWhatTheReviewSaysIsRefused) {
  const auto refused = [](const json& review) {
    const json got = answer_to(review);
    EXPECT_EQ(got["allowed"], false);
    EXPECT_EQ(got["status"]["code"], 400);
  };
  json other = vm(kPlain);
  other["kind"] = "VMSnapshot";
  refused(review_of(Kind::kVirtualMachine, "CREATE", other));
  refused(review_of(Kind::kVirtualMachine, "UPDATE", vm(kPlain), other));
  json review = review_of(Kind::kVirtualMachine, "UPDATE", vm(kPlain));
  refused(review);  // no oldObject
  review = review_of(Kind::kVirtualMachine, "CREATE", vm(kPlain));
  review["request"]["object"] = nullptr;
  refused(review);
}

TEST(ReviewAnswer, ForeignTextIsCarriedAsText) {
  const json got = created(vm(
      R"({"source":{"image":{"name":"i"}},"powerState":"\"\u0001\ud83d\ude00"})"));
  EXPECT_EQ(got["allowed"], false);
  EXPECT_THAT(got["status"]["message"].get<std::string>(),
              HasSubstr("\xF0\x9F\x98\x80"));
}

}  // namespace
}  // namespace chrysalis::admission
