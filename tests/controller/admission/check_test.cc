#include "controller/admission/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace chrysalis::admission {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kTwo =
    "apiVersion: chrysalis.dev/v1alpha1\n"
    "kind: VirtualMachine\n"
    "metadata: {name: good, namespace: lab}\n"
    "spec:\n"
    "  source: {image: {name: ubuntu-24.04}}\n"
    "---\n"
    "apiVersion: chrysalis.dev/v1alpha1\n"
    "kind: VirtualMachine\n"
    "metadata:\n"
    "  name: bad\n"
    "spec:\n"
    "  source:\n"
    "    snapshot: {name: s}\n"
    "  resources:\n"
    "    cpu: 4\n";

Report check_one(const std::string& text) {
  const Input inputs[] = {{"vm.yaml", text}};
  return check(inputs);
}

TEST(Check, SaysWhereWhatAndTheValue) {
  const Report report = check_one(kTwo);
  EXPECT_EQ(report.objects, 2U);
  EXPECT_EQ(report.refused, 1U);
  EXPECT_EQ(report.exit_code(), 1);
  ASSERT_EQ(report.findings.size(), 1U);
  const Finding& finding = report.findings[0];
  EXPECT_EQ(finding.file, "vm.yaml");
  EXPECT_EQ(finding.line, 15U);
  EXPECT_EQ(finding.object, "VirtualMachine default/bad");
  EXPECT_EQ(finding.verdict.rule, "clone-refuses-cpu");
  EXPECT_EQ(finding.verdict.fault.path, "spec.resources.cpu");
  EXPECT_EQ(finding.value, "4");
  EXPECT_THAT(to_text(report), HasSubstr("vm.yaml:15: refused: VirtualMachine "
                                         "default/bad: spec.resources.cpu: "));
  EXPECT_THAT(to_text(report), HasSubstr("2 objects checked, 1 refused\n"));
}

TEST(Check, AcceptsWithNothingToSay) {
  const std::string text(kTwo);
  const Report report = check_one(text.substr(0, text.find("---")));
  EXPECT_EQ(report.exit_code(), 0);
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(to_text(report), "1 objects checked, 0 refused\n");
}

TEST(Check, AMissingFieldStandsAtItsNearestParent) {
  const Report report = check_one(
      "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
      "metadata: {name: a}\nspec:\n  source:\n    image: {}\n");
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].line, 6U);
  EXPECT_EQ(report.findings[0].value, "");
}

TEST(Check, TextThatDoesNotParseIsRefusedWithItsLine) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += std::string(i, ' ') + "a:\n";
  const struct {
    std::string text;
    uint32_t line;
    const char* said;
  } cases[] = {{"a: [1\nb: 2\n", 2, ""},
               {"a: 1\na: 2\n", 2, "stands twice"},
               {"a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge keys"},
               {deep, 65, "nested deeper than 64"},
               {"", 0, "no object in it"},
               {"---\n---\n", 0, "no object in it"},
               {std::string(kMaxFileBytes + 1, 'a'), 0, "bytes"}};
  for (const auto& c : cases) {
    const Report report = check_one(c.text);
    EXPECT_EQ(report.exit_code(), 1);
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings[0].line, c.line) << c.said;
    EXPECT_EQ(report.findings[0].verdict.rule, "yaml-text");
    EXPECT_THAT(report.findings[0].verdict.fault.message, HasSubstr(c.said));
  }
}

TEST(Check, TellsWhatAPlainWordBecame) {
  const Report report = check_one(
      "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
      "metadata: {name: a}\nspec:\n  source: {image: {name: off}}\n"
      "  windows: no\n");
  ASSERT_EQ(report.findings.size(), 3U);
  EXPECT_EQ(report.findings[0].verdict.severity, Severity::kWarning);
  EXPECT_EQ(report.findings[0].line, 5U);
  EXPECT_THAT(report.findings[0].verdict.remedy, HasSubstr("quote it"));
  EXPECT_EQ(report.findings[1].line, 6U);
  EXPECT_EQ(report.findings[2].verdict.rule, "structure-type");
  EXPECT_EQ(report.findings[2].value, "false");
}

TEST(Check, AWarningRefusesNothing) {
  const Report report = check_one(
      "apiVersion: chrysalis.dev/v1alpha1\nkind: VirtualMachine\n"
      "metadata: {name: a}\nspec:\n  source: {image: {name: i}}\n"
      "  stopGracePeriodSeconds: 0\n  noDirectIO: yes\n");
  EXPECT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.refused, 0U);
  EXPECT_EQ(report.exit_code(), 0);
}

TEST(Check, OneBadFileDoesNotHideAnother) {
  const Input inputs[] = {{"a.yaml", "a: [\n"}, {"b.yaml", kTwo}};
  const Report report = check(inputs);
  EXPECT_EQ(report.objects, 2U);
  EXPECT_EQ(report.refused, 2U);
  EXPECT_EQ(report.findings[1].file, "b.yaml");
}

TEST(Check, JsonHasEveryFinding) {
  const json out = json::parse(to_json(check_one(kTwo)));
  EXPECT_EQ(out["objects"], 2);
  EXPECT_EQ(out["refused"], 1);
  ASSERT_EQ(out["findings"].size(), 1U);
  const json& one = out["findings"][0];
  EXPECT_EQ(one["file"], "vm.yaml");
  EXPECT_EQ(one["line"], 15);
  EXPECT_EQ(one["rule"], "clone-refuses-cpu");
  EXPECT_EQ(one["severity"], "refused");
  EXPECT_EQ(one["path"], "spec.resources.cpu");
  EXPECT_EQ(one["value"], "4");
}

TEST(Check, SarifNamesRuleLevelAndPlace) {
  const json out = json::parse(to_sarif(check_one(kTwo)));
  EXPECT_EQ(out["version"], "2.1.0");
  const json& run = out["runs"][0];
  EXPECT_EQ(run["tool"]["driver"]["rules"][0]["id"], "clone-refuses-cpu");
  const json& result = run["results"][0];
  EXPECT_EQ(result["ruleId"], "clone-refuses-cpu");
  EXPECT_EQ(result["level"], "error");
  const json& location = result["locations"][0];
  EXPECT_EQ(location["physicalLocation"]["artifactLocation"]["uri"], "vm.yaml");
  EXPECT_EQ(location["physicalLocation"]["region"]["startLine"], 15);
  EXPECT_EQ(location["logicalLocations"][0]["fullyQualifiedName"],
            "spec.resources.cpu");
}

// A file as a whole has no line, and SARIF none below 1.
TEST(Check, SarifOfAWholeFileHasNoRegion) {
  const json out = json::parse(to_sarif(check_one("")));
  EXPECT_FALSE(
      out["runs"][0]["results"][0]["locations"][0]["physicalLocation"].contains(
          "region"));
}

}  // namespace
}  // namespace chrysalis::admission
