#include "tests/e2e/world/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "controller/kube/beast/beast_transport.h"
#include "controller/kube/client.h"
#include "controller/kube/config/find_access.h"
#include "tests/e2e/world/changes.h"

namespace chrysalis::e2e {
namespace {

constexpr milliseconds kLong{60'000};

const SystemClock kClock;
std::unique_ptr<kube_tools::ApiServer> running;

// The server goes before the process does, while logging still works.
class Environment final : public ::testing::Environment {
 public:
  void TearDown() override { running.reset(); }
};
const auto* const kEnvironment =
    ::testing::AddGlobalTestEnvironment(new Environment);

void start_server() {
  auto started = kube_tools::ApiServer::start();
  ASSERT_TRUE(started) << started.error().message;
  running = *std::move(started);
  const auto installed = running->install_crds();
  ASSERT_TRUE(installed) << installed.error().message;
}

std::unique_ptr<kube::Transport> make_transport() {
  const auto access =
      kube::find_access({.kubeconfig_flag = api_server().kubeconfig_path()});
  EXPECT_TRUE(access) << access.error().message;
  auto made = kube::beast::BeastTransport::make(*access, kClock,
                                                {.user_agent = "e2e-test"});
  EXPECT_TRUE(made) << made.error().message;
  return *std::move(made);
}

std::string or_admin(const std::string& kubeconfig) {
  return kubeconfig.empty() ? api_server().kubeconfig_path().string()
                            : kubeconfig;
}

std::string plural(const Id& id) { return id.kind + "s"; }

// Follows one object until it is as wanted, or the time is over.
class Follower final : public kube::StreamSink {
 public:
  Follower(const Predicate& holds, Mono deadline, json& last)
      : holds_(holds), deadline_(deadline), last_(last) {}

  bool data(std::string_view piece) override {
    text_.append(piece);
    for (size_t end; (end = text_.find('\n')) != std::string::npos;
         text_.erase(0, end + 1))
      if (seen(json::parse(text_.substr(0, end), nullptr, false))) return false;
    return kClock.mono() < deadline_;
  }
  [[nodiscard]] bool met() const { return met_; }

 private:
  bool seen(const json& event) {
    if (event.is_discarded() || event.value("type", "") == "DELETED")
      return false;
    last_ = event.value("object", json());
    return met_ = holds_(last_);
  }

  const Predicate& holds_;
  const Mono deadline_;
  json& last_;
  std::string text_;
  bool met_ = false;
};

}  // namespace

kube_tools::ApiServer& api_server() {
  if (!running) start_server();
  return *running;
}

std::string Cluster::new_namespace() {
  static int count = 0;
  const std::string name = "e2e-" + std::to_string(++count);
  const auto made = api_server().kubectl({"create", "namespace", name});
  EXPECT_EQ(made.exit, 0) << made.err;
  return name;
}

Cluster::Cluster(ClusterOptions options)
    : ns_(new_namespace()), transport_(make_transport()) {
  if (options.controller) start_controller();
  if (options.agent) start_agent();
}

Cluster::~Cluster() {
  // In the order of a shutdown; a leader that is killed keeps its lease.
  for (auto& one : controllers_) one->stop();
}

Program& Cluster::start_controller(const std::string& kubeconfig) {
  const std::string part = "controller-" + std::to_string(controllers_.size());
  controllers_.push_back(std::make_unique<Program>(
      Words{"controller", "--kubeconfig", or_admin(kubeconfig),
            "--lease-namespace", ns_},
      host_.log(part)));
  return *controllers_.back();
}

Words Cluster::agent_words(const std::string& kubeconfig) const {
  Words words = host_.node_flags();
  words.insert(words.begin(),
               {"agent", "--node-name", node(), "--lease-namespace", ns_,
                "--kubeconfig", or_admin(kubeconfig)});
  return words;
}

void Cluster::start_agent(const std::string& until) {
  agent_.emplace(agent_words(), host_.log("agent"));
  EXPECT_TRUE(agent_->says(until)) << agent_->said();
}

std::string Cluster::logs() const {
  std::string out;
  for (const auto& one : controllers_) out += one->said() + "\n";
  return out + (agent_ ? agent_->said() : "");
}

kube_tools::Finished Cluster::kubectl(Words words,
                                      const std::string& in) const {
  words.insert(words.begin(), {"--namespace", ns_});
  return api_server().kubectl(words, in);
}

void Cluster::apply(const Manifest& manifest) {
  const auto done = kubectl({"apply", "-f", "-"}, manifest.text());
  EXPECT_EQ(done.exit, 0) << done.err;
}

std::string Cluster::refusal(const Manifest& manifest) {
  const auto done = kubectl({"apply", "-f", "-"}, manifest.text());
  if (done.exit != 0) return done.err;
  remove({manifest.id});
  return "";
}

std::optional<json> Cluster::wait_until(const Id& id, const Predicate& holds) {
  last_seen_ = json();
  const Mono deadline = in(kLong);
  while (kClock.mono() < deadline) {
    Follower follower(holds, deadline, last_seen_);
    const auto left = std::chrono::ceil<milliseconds>(deadline - kClock.mono());
    const auto followed = transport_->stream(
        {.target = "/apis/chrysalis.dev/v1alpha1/namespaces/" + ns_ + "/" +
                   plural(id) + "?watch=1&fieldSelector=metadata.name%3D" +
                   id.name},
        follower, {.head = left, .idle = left}, {});
    if (follower.met()) return last_seen_;
    if (!followed) return std::nullopt;
  }
  return std::nullopt;
}

void Cluster::remove(const std::vector<Id>& ids) {
  for (const Id& id : ids) {
    const auto done = kubectl({"delete", to_string(id), "--timeout=60s"});
    EXPECT_EQ(done.exit, 0) << done.err;
  }
}

std::string Cluster::version(const Id& id) {
  return kubectl({"get", to_string(id), "-o",
                  "jsonpath={.metadata.resourceVersion}"})
      .out;
}

std::vector<kube_tools::AuditEvent> Cluster::writes() const {
  std::vector<kube_tools::AuditEvent> out;
  for (auto& event : api_server().audit_events())
    if (event.group == "chrysalis.dev" && event.ns == ns_ && event.is_write() &&
        event.user_agent.starts_with("chrysalis/"))
      out.push_back(std::move(event));
  return out;
}

int Cluster::renewals(const std::string& lease) const {
  const auto events = api_server().audit_events();
  return static_cast<int>(std::ranges::count_if(events, [&](const auto& e) {
    return e.resource == "leases" && e.ns == ns_ && e.name == lease &&
           e.verb == "update" && e.code == 200;
  }));
}

bool Cluster::await_renewals(const Renewals& more) const {
  Renewals wanted;
  for (const auto& [lease, count] : more)
    wanted[lease] = renewals(lease) + count;
  return await(api_server().directory() / "audit.log", in(kLong), [&] {
    return std::ranges::all_of(wanted, [&](const auto& one) {
      return renewals(one.first) >= one.second;
    });
  });
}

std::unique_ptr<World> make_cluster() { return std::make_unique<Cluster>(); }

}  // namespace chrysalis::e2e
