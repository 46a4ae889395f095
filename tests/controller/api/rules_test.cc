#include "controller/api/rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "controller/api/structural.h"
#include "tests/controller/api/law_cases.h"
#include "tests/controller/api/objects.h"

namespace chrysalis::api {
namespace {

using nlohmann::json;

const Rule& rule_named(Kind kind, std::string_view id) {
  for (const Rule& rule : rules_of(kind))
    if (rule.id == id) return rule;
  ADD_FAILURE() << "no rule " << id;
  return rules_of(kind).front();
}

std::string blamed_path(const Rule& rule) {
  return (rule.level == Level::kSpec ? "spec." : "") + rule.path;
}

TEST(Rules, EachRefusesItsCaseAndAcceptsTheNeighbour) {
  for (const LawCase& c : law_cases()) {
    SCOPED_TRACE(std::string(c.rule) + " " + c.refused);
    const Rule& rule = rule_named(c.kind, c.rule);
    json old;
    if (c.old) old = defaulted(c.kind, "case", c.old);
    const json* before = c.old ? &old : nullptr;
    const auto faults =
        broken_rules(c.kind, defaulted(c.kind, c.name, c.refused), before);
    EXPECT_TRUE(std::any_of(faults.begin(), faults.end(), [&](const auto& f) {
      return f.path == blamed_path(rule);
    })) << model::join(faults);
    const json good = defaulted(c.kind, "case", c.accepted);
    EXPECT_EQ(model::join(broken_rules(c.kind, good, before)), "");
    EXPECT_EQ(model::join(check_structure(object_schema(c.kind), good)), "");
  }
}

TEST(Rules, EveryRuleHasACase) {
  for (const Kind kind : kKinds)
    for (const Rule& rule : rules_of(kind))
      EXPECT_TRUE(std::any_of(law_cases().begin(), law_cases().end(),
                              [&](const LawCase& c) {
                                return c.kind == kind && c.rule == rule.id;
                              }))
          << rule.id;
}

TEST(Rules, IdsAreUniqueAndTransitionsAreOnlyAskedOnAnUpdate) {
  std::set<std::string> ids;
  for (const Rule& rule : rules_of(Kind::kVirtualMachine)) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_EQ(rule.holds->transition(),
              rule.holds->cel().find("oldSelf") != std::string::npos)
        << rule.id;
  }
}

TEST(Rules, SayValueAndRemedyInTheUsersOwnSpelling) {
  const auto faults =
      broken_rules(Kind::kVirtualMachine,
                   defaulted(Kind::kVirtualMachine, "x",
                             R"({"source":{"snapshot":{"name":"g"}},
                    "resources":{"memory":"1024Mi"}})"),
                   nullptr);
  EXPECT_EQ(model::join(faults),
            "spec.resources.memory: memory 1024Mi: a clone inherits memory "
            "from its snapshot; remove spec.resources.memory");
}

TEST(Rules, AttemptNamesTheNextOne) {
  const json old = defaulted(
      Kind::kVirtualMachine, "x",
      R"({"source":{"image":{"name":"i"}},"restore":{"snapshot":"a"}})");
  const json now = defaulted(
      Kind::kVirtualMachine, "x",
      R"({"source":{"image":{"name":"i"}},"restore":{"snapshot":"b"}})");
  EXPECT_EQ(model::join(broken_rules(Kind::kVirtualMachine, now, &old)),
            "spec.restore.attempt: attempt 1 of snapshot b: attempt 1 was "
            "asked for snapshot a; ask for attempt 2");
}

TEST(RuleExpr, PrintsGuardsBeforeReads) {
  EXPECT_EQ(has("resources.cpu")->cel(),
            "has(self.resources) && has(self.resources.cpu)");
  EXPECT_EQ(to_cel(with_default(old_field("hypervisor"),
                                std::string("CloudHypervisor"))),
            "(has(oldSelf.hypervisor) ? oldSelf.hypervisor : "
            "'CloudHypervisor')");
  EXPECT_EQ(cel_string("it's"), "'it\\'s'");
}

}  // namespace
}  // namespace chrysalis::api
