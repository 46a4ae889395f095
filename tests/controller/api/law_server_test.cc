// The law on a real API server that has crds/ and no process of ours: each
// rule refuses its case in our words and accepts the neighbour, with field
// validation off, at creation and as a transition.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/api/rules.h"
#include "tests/controller/api/law_cases.h"
#include "tests/controller/api/objects.h"
#include "tests/kube/api_server.h"

namespace chrysalis::api {
namespace {

using kube_tools::ApiServer;
using testing::HasSubstr;

class LawOnServer : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = ApiServer::start();
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started).release();
    const auto installed = server_->install_crds();
    ASSERT_TRUE(installed) << installed.error().message;
  }
  static void TearDownTestSuite() { delete server_; }

  // kubectl create or replace, server side, nothing kept.
  static auto send(const char* verb, const nlohmann::json& object) {
    return server_->kubectl(
        {verb, "--validate=false", "--dry-run=server", "-f", "-"},
        object.dump());
  }

  static ApiServer* server_;
};
ApiServer* LawOnServer::server_ = nullptr;

TEST_F(LawOnServer, EachRuleRefusesItsCaseInOurWordsAndAcceptsTheNeighbour) {
  int number = 0;
  for (const LawCase& c : law_cases()) {
    SCOPED_TRACE(std::string(c.rule) + " " + c.refused);
    std::string name = c.name;
    nlohmann::json old;
    if (c.old) {
      name = "case-" + std::to_string(++number);
      old = object_of(c.kind, name, c.old);
      const auto made = server_->kubectl(
          {"create", "--validate=false", "-f", "-"}, old.dump());
      ASSERT_EQ(made.exit, 0) << made.err;
      apply_defaults(object_schema(c.kind), old);
    }
    const char* verb = c.old ? "replace" : "create";
    const auto refused = send(verb, object_of(c.kind, name, c.refused));
    EXPECT_NE(refused.exit, 0) << refused.out;
    const auto faults = broken_rules(c.kind, defaulted(c.kind, name, c.refused),
                                     c.old ? &old : nullptr);
    EXPECT_FALSE(faults.empty());
    for (const auto& fault : faults) {
      EXPECT_THAT(refused.err, HasSubstr(fault.message));
      if (fault.path.starts_with("spec.")) {
        EXPECT_THAT(refused.err, HasSubstr(fault.path + ": "));
      }
    }
    const auto accepted =
        send(verb, object_of(c.kind, c.old ? name : "good", c.accepted));
    EXPECT_EQ(accepted.exit, 0) << accepted.err;
  }
}

// The server's own words stay the server's, and ours repeat them.
TEST_F(LawOnServer, StructuralFaultsAreSaidInTheSameWords) {
  for (const char* spec :
       {R"({"source":{"image":{"name":"i"}},"resources":{"cpu":"two"}})",
        R"({"source":{"image":{"name":"i"}},"resources":{"cpu":0}})",
        R"({"source":{"image":{"name":"i"}},"resources":{"nics":9}})",
        R"({"source":{"image":{"name":"i"}},"resources":{"memory":"1.5Gi"}})",
        R"({"source":{"image":{"name":"i"}},"powerState":"On"})",
        R"({"source":{"image":{"name":"I"}}})", R"({})"}) {
    SCOPED_TRACE(spec);
    const auto object = object_of(Kind::kVirtualMachine, "x", spec);
    const auto refused = send("create", object);
    EXPECT_NE(refused.exit, 0);
    const auto faults =
        check_structure(object_schema(Kind::kVirtualMachine), object);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_THAT(refused.err, HasSubstr(faults[0].path + ": "));
    EXPECT_THAT(refused.err, HasSubstr(faults[0].message));
  }
}

TEST_F(LawOnServer, StrictValidationNamesAnUnknownField) {
  const auto refused =
      server_->kubectl({"create", "--dry-run=server", "-f", "-"},
                       object_of(Kind::kVirtualMachine, "x",
                                 R"({"source":{"image":{"name":"i"}},"foo":1})")
                           .dump());
  EXPECT_NE(refused.exit, 0);
  EXPECT_THAT(refused.err, HasSubstr("unknown field \"spec.foo\""));
}

TEST_F(LawOnServer, KindsAreKnownByShortNameCategoryAndColumns) {
  ASSERT_EQ(server_
                ->kubectl({"create", "-f", "-"},
                          object_of(Kind::kVirtualMachine, "shown",
                                    R"({"source":{"image":{"name":"i"}}})")
                              .dump())
                .exit,
            0);
  EXPECT_THAT(server_->kubectl({"get", "cvm"}).out, HasSubstr("shown"));
  EXPECT_THAT(server_->kubectl({"get", "chrysalis"}).out, HasSubstr("shown"));
  EXPECT_THAT(server_->kubectl({"get", "cvm", "-o", "wide"}).out,
              HasSubstr("RESTART-REQUIRED"));
  EXPECT_EQ(server_->kubectl({"get", "cvmsnap"}).exit, 0);
  EXPECT_THAT(server_->kubectl({"explain", "cvm.status.provenance.cpu"}).out,
              HasSubstr("Where status.config.cpu came from"));
}

TEST_F(LawOnServer, NodesWatchTheirOwnByAFieldSelector) {
  const auto listed = server_->kubectl({"get", "cvm", "-A", "--field-selector",
                                        "status.nodeName=n1", "-o", "name"});
  EXPECT_EQ(listed.exit, 0) << listed.err;
  EXPECT_EQ(listed.out, "");
}

}  // namespace
}  // namespace chrysalis::api
