#include "tests/e2e/gates/asking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "controller/api/crd.h"
#include "controller/kube/beast/beast_transport.h"
#include "tests/e2e/world/changes.h"
#include "tests/kube/certificates.h"

namespace chrysalis::e2e {
namespace {

constexpr milliseconds kLong{20'000};
const SystemClock kClock;

std::string plural(api::Kind kind) {
  return std::string(api::names_of(kind).plural);
}
std::string collection(api::Kind kind) {
  return "/apis/chrysalis.dev/v1alpha1/namespaces/default/" + plural(kind);
}

void remove_rules(nlohmann::ordered_json& schema) {
  if (schema.is_object()) schema.erase("x-kubernetes-validations");
  if (schema.is_structured())
    for (auto& member : schema) remove_rules(member);
}

}  // namespace

const char* to_string(Way way) {
  switch (way) {
    case Way::kCreate:
      return "create";
    case Way::kClientApply:
      return "client-side apply";
    case Way::kServerApply:
      return "server-side apply";
    case Way::kMergePatch:
      return "merge patch";
    case Way::kJsonPatch:
      return "JSON patch";
  }
  return "";
}

std::vector<Said> causes_of(const json& status) {
  std::vector<Said> out;
  const json::json_pointer path("/details/causes");
  if (!status.contains(path)) return out;
  for (const json& one : status.at(path)) {
    const bool forbidden = one.value("reason", "") == "FieldValueForbidden";
    Said said{one.value("field", ""), one.value("message", ""), forbidden};
    const std::string head = forbidden ? "Forbidden: " : "Invalid value: ";
    EXPECT_TRUE(said.words.starts_with(head)) << one;
    said.words.erase(0, head.size());
    out.push_back(std::move(said));
  }
  std::ranges::sort(out);
  return out;
}

json object_of(const GateCase& c, const std::string& name, const json& spec) {
  return {{"apiVersion", std::string(api::kApiVersion)},
          {"kind", std::string(api::names_of(c.kind).kind)},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"spec", spec}};
}

std::unique_ptr<kube::Transport> transport_to(const std::string& url,
                                              const kube_tools::ApiServer& as) {
  kube::Access access;
  access.server = url;
  access.ca.file = as.ca_path();
  access.client_certificate.file = as.client_cert_path();
  access.client_key.file = as.client_key_path();
  auto made = kube::beast::BeastTransport::make(access, kClock);
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

Asking::Asking(const kube_tools::ApiServer& server)
    : server_(server), transport_(transport_to(server.url(), server)) {}

Outcome Asking::send(kube::Method method, const std::string& target,
                     const std::string& type, const json& body) {
  ++asked_;
  const auto got = transport_->send({.method = method,
                                     .target = target,
                                     .content_type = type,
                                     .body = body.dump()},
                                    in(kLong), {});
  EXPECT_TRUE(got) << got.error().message;
  if (!got) return {};
  Outcome out{got->ok(), {}, got->body};
  const json status = json::parse(got->body, nullptr, false);
  if (out.allowed) return out;
  EXPECT_EQ(got->status, 422) << got->body;
  EXPECT_EQ(status.value("reason", ""), "Invalid") << got->body;
  out.causes = causes_of(status);
  return out;
}

Outcome Asking::ask(Way way, const GateCase& c, bool dry_run) {
  const std::string name = "ask-" + std::to_string(++names_);
  const std::string all = collection(c.kind), one = all + "/" + base_name(c);
  const std::string off =
      std::string("fieldValidation=Ignore") + (dry_run ? "&dryRun=All" : "");
  const json object = object_of(c, name, c.spec());
  switch (way) {
    case Way::kCreate:
      return send(kube::Method::kPost, all + "?" + off, "application/json",
                  object);
    case Way::kClientApply: {
      ++asked_;
      std::vector<std::string> words = {"apply", "--validate=false", "-f", "-"};
      if (dry_run) words.emplace_back("--dry-run=server");
      const auto done = server_.kubectl(words, object.dump());
      return {done.exit == 0, {}, done.err};
    }
    case Way::kServerApply:
      return send(kube::Method::kPatch,
                  all + "/" + name + "?fieldManager=tester&force=true&" + off,
                  "application/apply-patch+yaml", object);
    case Way::kMergePatch:
      return send(kube::Method::kPatch, one + "?" + off,
                  "application/merge-patch+json", {{"spec", c.breaks}});
    case Way::kJsonPatch: {
      json patch = json::diff(c.base, c.spec());
      for (json& step : patch)
        step["path"] = "/spec" + step["path"].get<std::string>();
      return send(kube::Method::kPatch, one + "?" + off,
                  "application/json-patch+json", patch);
    }
  }
  return {};
}

std::string Asking::base_name(const GateCase& c) {
  if (c.kind == api::Kind::kVmSnapshot) return "base-snapshot";
  return c.of_restore() ? "base-restore" : "base-clone";
}

void Asking::put_bases(const std::vector<GateCase>& cases) {
  for (const GateCase& c : cases) {
    std::string base = plural(c.kind) + "/" + base_name(c);
    if (std::ranges::find(bases_, base) != bases_.end()) continue;
    const Outcome made =
        send(kube::Method::kPost, collection(c.kind), "application/json",
             object_of(c, base_name(c), c.base));
    ASSERT_TRUE(made.allowed) << made.text;
    bases_.push_back(std::move(base));
  }
}

void Asking::remove_bases() {
  for (const std::string& one : bases_) {
    const auto done = server_.kubectl({"delete", one});
    EXPECT_EQ(done.exit, 0) << done.err;
  }
  bases_.clear();
}

Outcome Asking::probe() {
  GateCase c = refused_cases().front();
  return send(kube::Method::kPost, collection(c.kind) + "?dryRun=All",
              "application/json", object_of(c, "probe", c.spec()));
}

void Asking::set_rules(bool on) {
  for (const api::Kind kind : api::kKinds) {
    auto crd = api::crd(kind);
    if (!on) remove_rules(crd);
    const auto done = server_.kubectl({"apply", "-f", "-"}, crd.dump());
    ASSERT_EQ(done.exit, 0) << done.err;
  }
  const Mono deadline = in(kLong);
  while (probe().allowed == on)
    ASSERT_LT(kClock.mono(), deadline) << "the server keeps to its old rules";
}

void Asking::register_webhook(uint16_t port) {
  std::ostringstream ca;
  ca << std::ifstream(server_.ca_path()).rdbuf();
  const json hook = {
      {"name", "review.chrysalis.dev"},
      {"admissionReviewVersions", json::array({"v1"})},
      {"sideEffects", "None"},
      {"failurePolicy", "Fail"},
      {"clientConfig",
       {{"url", "https://127.0.0.1:" + std::to_string(port) + "/review"},
        {"caBundle", kube_tools::base64(ca.str())}}},
      {"rules", json::array({{{"apiGroups", json::array({"chrysalis.dev"})},
                              {"apiVersions", json::array({"v1alpha1"})},
                              {"operations", json::array({"*"})},
                              {"resources", json::array({"*/*"})}}})}};
  const json registration = {{"apiVersion", "admissionregistration.k8s.io/v1"},
                             {"kind", "ValidatingWebhookConfiguration"},
                             {"metadata", {{"name", "gates"}}},
                             {"webhooks", json::array({hook})}};
  const auto done = server_.kubectl({"create", "-f", "-"}, registration.dump());
  ASSERT_EQ(done.exit, 0) << done.err;
  const Mono deadline = in(kLong);
  for (Outcome got;
       (got = probe()).text.find("admission webhook") == std::string::npos;)
    ASSERT_LT(kClock.mono(), deadline) << "it does not ask: " << got.text;
}

void Asking::unregister_webhook() {
  const auto done =
      server_.kubectl({"delete", "validatingwebhookconfiguration", "gates"});
  EXPECT_EQ(done.exit, 0) << done.err;
  const Mono deadline = in(kLong);
  while (probe().text.find("admission webhook") != std::string::npos)
    ASSERT_LT(kClock.mono(), deadline) << "it goes on asking";
}

}  // namespace chrysalis::e2e
