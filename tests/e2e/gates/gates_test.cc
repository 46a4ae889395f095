// Refused everywhere: the same cases through the four gates, each by itself,
// in the same words. In the order of a request: the API server's own rules
// with no process of ours up; the review handler, asked as a server asks and
// by a server that has no rules; `chrysalis check`, with no server; and the
// agent, where all others were past.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "src/model/law.h"
#include "tests/e2e/gates/asking.h"
#include "tests/e2e/world/changes.h"
#include "tests/e2e/world/cluster.h"

namespace chrysalis::e2e {
namespace {

using testing::HasSubstr;

std::vector<Said> sorted(std::vector<Said> said) {
  std::ranges::sort(said);
  return said;
}
std::vector<Said> expected(const GateCase& c, bool update) {
  std::vector<Said> out = c.said;
  if (update) out.insert(out.end(), c.on_update.begin(), c.on_update.end());
  return sorted(std::move(out));
}
// As a condition has it.
std::string joined(const GateCase& c) {
  std::vector<model::Fault> faults;
  for (const Said& said : c.said) faults.push_back({said.path, said.words});
  return model::join(faults);
}

class Gates : public testing::Test {
 protected:
  static void SetUpTestSuite() { own_namespaces_ = enter_own_namespaces(); }

  void expect_refused(const GateCase& c, const Outcome& got, Way way) {
    SCOPED_TRACE(c.name + " by " + to_string(way) + ": " + got.text);
    EXPECT_FALSE(got.allowed);
    const auto wanted = expected(c, is_update(way));
    compared_ += static_cast<int>(wanted.size());
    if (way != Way::kClientApply) {
      EXPECT_EQ(got.causes, wanted);
      return;
    }
    for (const Said& said : wanted)
      EXPECT_THAT(got.text, HasSubstr(said.path + ": " + said.cause()));
  }

  // All cases, by all ways, to the server as it is now.
  void ask_all(const std::string& gate) {
    Asking asking(api_server());
    asking.put_bases(accepted_);
    for (const GateCase& c : refused_)
      for (const Way way : kWays)
        expect_refused(c, asking.ask(way, c, /*dry_run=*/false), way);
    for (const GateCase& c : accepted_)
      for (const Way way : kWays) {
        const Outcome got = asking.ask(way, c, /*dry_run=*/true);
        EXPECT_TRUE(got.allowed)
            << c.name << " by " << to_string(way) << ": " << got.text;
      }
    // Nothing was kept of what was refused.
    for (const char* kind : {"virtualmachines", "vmsnapshots"})
      EXPECT_THAT(api_server().kubectl({"get", kind, "-o", "name"}).out,
                  testing::Not(HasSubstr("ask-")));
    asking.remove_bases();
    tell(gate, asking.asked());
  }

  void tell(const std::string& gate, int asked) {
    std::cout << "[  GATE    ] " << gate << ": " << refused_.size()
              << " cases refused, " << accepted_.size() << " neighbours known, "
              << asked << " requests, " << compared_ << " texts compared\n";
    RecordProperty("texts_compared", compared_);
  }

  static bool own_namespaces_;
  const std::vector<GateCase> refused_ = refused_cases();
  const std::vector<GateCase> accepted_ = accepted_cases();
  int compared_ = 0;
};
bool Gates::own_namespaces_ = false;

// `chrysalis controller` with its webhook on a free port.
class Hooked {
 public:
  Hooked()
      : log_(api_server().directory() / "webhook.log"),
        program_(
            {"controller", "--kubeconfig", api_server().kubeconfig_path(),
             "--lease-namespace", "default", "--webhook-listen", "127.0.0.1:0",
             "--webhook-cert", api_server().directory() / "server.crt",
             "--webhook-key", api_server().directory() / "server.key"},
            log_) {
    EXPECT_TRUE(program_.says("webhook listens")) << program_.said();
  }
  [[nodiscard]] uint16_t port() const {
    const std::string said = program_.said();
    const size_t at = said.find("port=", said.find("webhook listens"));
    return static_cast<uint16_t>(std::stoi(said.substr(at + 5)));
  }
  void stop() { EXPECT_EQ(program_.stop(), 0) << program_.said(); }

 private:
  std::filesystem::path log_;
  Program program_;
};

TEST_F(Gates, TheServersRulesAlone) {
  Asking(api_server()).set_rules(true);
  ask_all("the API server's rules");
}

TEST_F(Gates, TheReviewHandlerAskedByAServerWithoutRules) {
  Hooked hooked;
  Asking asking(api_server());
  asking.set_rules(false);
  asking.register_webhook(hooked.port());
  if (HasFatalFailure()) return;
  ask_all("reviews by a server without rules");
  asking.unregister_webhook();
  hooked.stop();
  asking.set_rules(true);
}

json review_of(const GateCase& c, const json* old) {
  const json kind = {{"group", "chrysalis.dev"},
                     {"version", "v1alpha1"},
                     {"kind", std::string(api::names_of(c.kind).kind)}};
  return {{"kind", "AdmissionReview"},
          {"apiVersion", "admission.k8s.io/v1"},
          {"request",
           {{"uid", "the-uid"},
            {"kind", kind},
            {"name", "a"},
            {"namespace", "default"},
            {"operation", old == nullptr ? "CREATE" : "UPDATE"},
            {"object", object_of(c, "a", c.spec())},
            {"oldObject", old == nullptr ? json() : object_of(c, "a", *old)}}}};
}

TEST_F(Gates, TheReviewHandlerAskedByPost) {
  Hooked hooked;
  const auto to = transport_to(
      "https://127.0.0.1:" + std::to_string(hooked.port()), api_server());
  int asked = 0;
  const auto post = [&](const GateCase& c, bool update) {
    ++asked;
    const auto got =
        to->send({.method = kube::Method::kPost,
                  .target = "/review?timeout=10s",
                  .content_type = "application/json",
                  .body = review_of(c, update ? &c.base : nullptr).dump()},
                 in(milliseconds{20'000}), {});
    EXPECT_TRUE(got) << got.error().message;
    if (!got) return Outcome{};
    const json response = json::parse(got->body)["response"];
    EXPECT_EQ(response["uid"], "the-uid");
    return Outcome{response["allowed"],
                   causes_of(response.value("status", json::object())),
                   got->body};
  };
  for (const bool update : {false, true}) {
    for (const GateCase& c : refused_)
      expect_refused(c, post(c, update),
                     update ? Way::kMergePatch : Way::kCreate);
    for (const GateCase& c : accepted_)
      EXPECT_TRUE(post(c, update).allowed) << c.name;
  }
  hooked.stop();
  tell("reviews by post", asked);
}

TEST_F(Gates, TheOfflineCheck) {
  const auto file = api_server().directory() / "case.json";
  int asked = 0;
  const auto check = [&](const GateCase& c, const std::string& output) {
    ++asked;
    std::ofstream(file) << object_of(c, "a", c.spec()).dump(1);
    return run_chrysalis({"check", file, "-o", output});
  };
  for (const GateCase& c : refused_) {
    SCOPED_TRACE(c.name);
    const auto text = check(c, "text");
    EXPECT_EQ(text.exit, 1);
    const auto as_json = check(c, "json");
    EXPECT_EQ(as_json.exit, 1);
    std::vector<Said> found;
    const json report = json::parse(as_json.out);
    for (const json& one : report["findings"]) {
      EXPECT_EQ(one["severity"], "refused");
      EXPECT_EQ(one["value"], c.value);
      EXPECT_GT(one["line"], 0);
      found.push_back({one["path"], one["message"], c.said[0].forbidden});
    }
    EXPECT_EQ(sorted(std::move(found)), expected(c, false));
    const auto sarif = check(c, "sarif");
    EXPECT_EQ(sarif.exit, 1);
    const json results = json::parse(sarif.out)["runs"][0]["results"];
    EXPECT_EQ(results.size(), c.said.size());
    for (const Said& said : c.said) {
      ++compared_;
      EXPECT_THAT(text.out, HasSubstr(said.path + ": " + said.words));
      EXPECT_THAT(
          results.dump(),
          HasSubstr(
              json(said.words).dump().substr(1).substr(0, said.words.size())));
      // What is to be done about it.
      EXPECT_THAT(said.words, testing::AnyOf(HasSubstr("; remove "),
                                             HasSubstr("set exactly one")));
    }
  }
  for (const GateCase& c : accepted_) {
    const auto done = check(c, "text");
    EXPECT_EQ(done.exit, 0) << c.name << ": " << done.out;
  }
  tell("chrysalis check", asked);
}

TEST_F(Gates, TheAgentWhereAllOthersWerePast) {
  if (!own_namespaces_)
    GTEST_SKIP() << "SKIPPED LOUDLY: needs root, for namespaces and TAPs";
  Asking asking(api_server());
  asking.set_rules(false);
  Cluster world;
  Manifest app = image_vm("app", model::Hypervisor::kCloudHypervisor);
  world.apply(app);
  world.until_ready(app.id);
  world.apply(snapshot_of("golden", "app"));
  world.until_ready(snapshot("golden"));
  const auto before = world.host().vmms();
  ASSERT_EQ(before.size(), 1U);

  int asked = 0;
  std::vector<Id> made;
  Manifest restored = app;
  restored.spec.erase("resources");
  for (const GateCase& c : refused_) {
    SCOPED_TRACE(c.name);
    Manifest asks{vm("refused-" + std::to_string(made.size())), c.spec()};
    std::string condition_type = "Ready";
    if (c.of_restore()) {
      asks = restored;
      asks.spec["restore"] = c.base["restore"];
      asks.spec.merge_patch(c.breaks);
      condition_type = "RestoreSucceeded";
    } else if (c.kind == api::Kind::kVmSnapshot) {
      asks.id = snapshot("refused-" + std::to_string(made.size()));
      asks.spec["source"]["directory"]["nodeName"] = world.node();
    }
    world.apply(asks);
    ++asked;
    world.until(asks.id, [&](const json& object) {
      return condition(object, "Stalled") == "True/InvalidSpec" &&
             message(object, "Stalled") == joined(c) &&
             condition(object, condition_type) == "False/InvalidSpec";
    });
    compared_ += static_cast<int>(c.said.size());
    if (!c.of_restore()) made.push_back(asks.id);
    EXPECT_EQ(world.host().vmms(), before) << "nothing started, nothing ended";
  }
  // The neighbours are done as they are asked.
  for (const GateCase& c : accepted_) {
    if (c.kind == api::Kind::kVmSnapshot || c.of_restore()) continue;
    SCOPED_TRACE(c.name);
    made.push_back(vm("allowed-" + std::to_string(made.size())));
    Manifest asks{made.back(), c.spec()};
    world.apply(asks);
    ++asked;
    world.until_ready(asks.id);
  }
  restored.spec["restore"] = accepted_[4].spec()["restore"];
  world.apply(restored);
  ++asked;
  world.until_condition(app.id, "RestoreSucceeded", "True/Succeeded");
  made.push_back(snapshot("golden"));
  made.push_back(app.id);
  world.remove(made);
  EXPECT_EQ(world.stop_agent(), 0) << world.logs();
  EXPECT_THAT(world.host().leftovers(), testing::IsEmpty());
  asking.set_rules(true);
  tell("the agent", asked);
}

}  // namespace
}  // namespace chrysalis::e2e
