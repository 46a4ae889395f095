#include "controller/admission/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "controller/api/rules.h"
#include "tests/controller/api/law_cases.h"
#include "tests/controller/api/objects.h"

namespace chrysalis::admission {
namespace {

using api::Kind;
using nlohmann::json;
using testing::HasSubstr;

std::set<std::string> rules(const std::vector<Verdict>& verdicts) {
  std::set<std::string> out;
  for (const Verdict& one : verdicts) out.insert(one.rule);
  return out;
}

json vm(const char* spec) {
  return api::object_of(Kind::kVirtualMachine, "a", spec);
}
constexpr const char* kPlain = R"({"source": {"image": {"name": "i"}}})";

TEST(Verdict, EachRuleOfTheLawRefusesItsCaseByItsIdAndAcceptsTheNeighbour) {
  std::set<std::string> tried;
  for (const api::LawCase& c : api::law_cases()) {
    SCOPED_TRACE(std::string(c.rule) + " " + c.refused);
    json old;
    if (c.old) old = api::defaulted(c.kind, "case", c.old);
    const json* before = c.old ? &old : nullptr;
    const auto refused =
        judge(api::object_of(c.kind, c.name, c.refused), before);
    EXPECT_TRUE(refused.refused());
    EXPECT_TRUE(rules(refused.verdicts).contains(c.rule));
    const auto accepted =
        judge(api::object_of(c.kind, "case", c.accepted), before);
    EXPECT_FALSE(accepted.refused());
    tried.insert(c.rule);
  }
  EXPECT_GT(tried.size(), 30U);
}

TEST(Verdict, StructureIsSaidInTheServersWordsAndByStableIds) {
  const auto only = [](const json& object) {
    const auto judged = judge(object);
    EXPECT_EQ(judged.verdicts.size(), 1U) << object;
    return judged.verdicts.empty() ? Verdict{} : judged.verdicts.front();
  };
  Verdict v = only(vm(R"({"source": {"image": {"name": "i"}}, "cpus": 2})"));
  EXPECT_EQ(v.rule, "structure-unknown-field");
  EXPECT_EQ(v.fault.message, "unknown field \"spec.cpus\"");
  EXPECT_THAT(v.remedy, HasSubstr("kubectl explain virtualmachine.spec`"));

  v = only(vm(R"({"source": {"image": {"name": "i"}},
                  "resources": {"cpu": "two"}})"));
  EXPECT_EQ(v.rule, "structure-type");
  EXPECT_EQ(v.fault.path, "spec.resources.cpu");

  v = only(vm(R"({"source": {"image": {"name": "i"}},
                  "resources": {"cpu": 1.5}})"));
  EXPECT_EQ(v.fault.message,
            "Invalid value: \"float64\": spec.resources.cpu in body must be of "
            "type int64: \"float64\"");

  v = only(vm(R"({"source": {"image": {}}})"));
  EXPECT_EQ(v.rule, "structure-required");
  EXPECT_EQ(v.fault.path, "spec.source.image.name");

  v = only(vm(R"({"source": {"image": {"name": "i"}},
                  "resources": {"cpu": -1}})"));
  EXPECT_EQ(v.rule, "structure-bounds");

  v = only(vm(R"({"source": {"image": {"name": "i"}},
                  "powerState": "Off"})"));
  EXPECT_EQ(v.rule, "structure-enum");

  v = only(vm(R"({"source": {"image": {"name": "i"}},
                  "nodeName": "No"})"));
  EXPECT_EQ(v.rule, "structure-pattern");

  json object = vm(kPlain);
  object["spec"]["nodeName"] = std::string(254, 'a');
  EXPECT_EQ(only(object).rule, "structure-too-long");
  object["spec"]["nodeName"] = "";
  EXPECT_EQ(only(object).rule, "structure-too-short");
}

// As the server does: "some rules were not checked".
TEST(Verdict, RulesAreTriedOnWhatFitsTheSchemaOnly) {
  const auto judged = judge(vm(R"({"source": {"snapshot": {"name": "s"}},
                                   "resources": {"cpu": 0}})"));
  EXPECT_EQ(rules(judged.verdicts), std::set<std::string>{"structure-bounds"});
}

TEST(Verdict, NamesAreCheckedBeforeAnythingElse) {
  json object = vm(kPlain);
  object["metadata"]["name"] = std::string(254, 'a');
  EXPECT_EQ(rules(judge(object).verdicts), std::set<std::string>{"name"});
  object["metadata"]["name"] = "Upper";
  EXPECT_EQ(rules(judge(object).verdicts), std::set<std::string>{"name"});
  object["metadata"].erase("name");
  EXPECT_EQ(rules(judge(object).verdicts),
            std::set<std::string>{"object-name"});
  object["metadata"] = {{"name", "a"}, {"namespace", "Not_One"}};
  EXPECT_EQ(rules(judge(object).verdicts),
            std::set<std::string>{"object-namespace"});
  object["metadata"] = {{"name", 7}};
  EXPECT_EQ(rules(judge(object).verdicts),
            std::set<std::string>{"object-metadata"});
  object.erase("metadata");
  EXPECT_EQ(rules(judge(object).verdicts),
            std::set<std::string>{"object-name"});
  object["metadata"] = 7;
  EXPECT_TRUE(judge(object).refused());
}

TEST(Verdict, KindsOfOursThatAreNoneAreRefusedOthersSkipped) {
  json object = vm(kPlain);
  object["kind"] = "VirtualMachin";
  auto judged = judge(object);
  EXPECT_TRUE(judged.refused());
  EXPECT_EQ(judged.verdicts[0].rule, "object-kind");
  EXPECT_THAT(judged.verdicts[0].fault.message, HasSubstr("VirtualMachin\""));
  object = vm(kPlain);
  object["apiVersion"] = "chrysalis.dev/v2";
  EXPECT_TRUE(judge(object).refused());
  object["apiVersion"] = "apps/v1";
  judged = judge(object);
  EXPECT_FALSE(judged.refused());
  EXPECT_EQ(judged.kind, std::nullopt);
  EXPECT_EQ(judged.verdicts[0].severity, Severity::kNote);
  EXPECT_TRUE(judge(json{{"kind", "VirtualMachine"}}).refused());
  EXPECT_TRUE(judge(json{{"apiVersion", "chrysalis.dev/v1alpha1"}}).refused());
}

TEST(Verdict, IsTotalOnAnyValue) {
  for (const json& value :
       {json(), json(1), json("x"), json::array({1}), json::object()})
    EXPECT_TRUE(judge(value).refused()) << value;
  for (const Kind kind : api::kKinds)
    for (const json& spec : {json(), json(1), json::array(), json::object()}) {
      json object = vm(kPlain);
      object["kind"] = std::string(api::names_of(kind).kind);
      object["spec"] = spec;
      EXPECT_TRUE(judge(object).refused()) << object;
    }
}

TEST(Verdict, WarnsOfWhatIsAllowedAndSeldomMeant) {
  EXPECT_TRUE(judge(vm(kPlain)).verdicts.empty());
  const json restore = vm(R"({"source": {"image": {"name": "i"}},
      "restore": {"snapshot": "s"}, "stopGracePeriodSeconds": 0})");
  const auto judged = judge(restore);
  EXPECT_FALSE(judged.refused());
  EXPECT_EQ(rules(judged.verdicts),
            (std::set<std::string>{"hint-restore", "hint-no-grace"}));
  const json old = api::defaulted(Kind::kVirtualMachine, "a", kPlain);
  EXPECT_EQ(rules(judge(restore, &old).verdicts),
            std::set<std::string>{"hint-no-grace"});
}

}  // namespace
}  // namespace chrysalis::admission
