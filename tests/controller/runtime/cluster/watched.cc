#include "tests/controller/runtime/cluster/watched.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include <nlohmann/json.hpp>

namespace chrysalis::runtime::testing {
namespace {

using nlohmann::json;

const SystemClock kClock;

std::unique_ptr<kube::beast::BeastTransport> transport_to(
    const fakes::FakeKube& server, const std::string& ca) {
  kube::Access access;
  access.server = server.url();
  access.ca.data = ca;
  auto made = kube::beast::BeastTransport::make(access, kClock);
  if (!made) {
    ADD_FAILURE() << made.error().message;
    return nullptr;
  }
  return *std::move(made);
}

// holderIdentity must be a text; "THROW" is what a bug would do.
Result<std::shared_ptr<const void>> project(const kube::ObjectMeta&,
                                            kube::PaddedJson text) {
  const json object = json::parse(text.text(), nullptr, false);
  const json* value = nullptr;
  if (object.is_object() && object.contains("spec") &&
      object["spec"].contains("holderIdentity"))
    value = &object["spec"]["holderIdentity"];
  if (value == nullptr || !value->is_string())
    return fail(Code::kInvalid, "spec.holderIdentity: not a string");
  if (*value == "THROW") throw std::runtime_error("a bug");
  return std::make_shared<const std::string>(value->get<std::string>());
}

ReflectorOptions quick(WatchedOptions options) {
  ReflectorOptions out = std::move(options.reflector);
  out.watch.watch_list = options.watch_list;
  if (!out.jitter) out.jitter = [] { return 0.0; };
  return out;
}

char sign_of(Change change) {
  switch (change) {
    case Change::kAdded:
      return '+';
    case Change::kUpdated:
      return '~';
    case Change::kDeleted:
      return '-';
    case Change::kReleased:
      return '*';
  }
  return '?';
}

json object_json(const std::string& name, const std::string& version,
                 const std::string& value, const std::string& uid) {
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata",
           {{"namespace", "ns"},
            {"name", name},
            {"uid", uid.empty() ? "uid-" + name : uid},
            {"resourceVersion", version}}},
          {"spec", {{"holderIdentity", value}}}};
}

}  // namespace

bool eventually(const std::function<bool()>& holds) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  const Mono end = kClock.mono() + seconds(20);
  while (!holds()) {
    if (kClock.mono() >= end) return false;
    never.wait_for(lock, milliseconds(2));
  }
  return true;
}

std::string object(const std::string& name, const std::string& version,
                   const std::string& value, const std::string& uid) {
  return object_json(name, version, value, uid).dump();
}

std::string event(const std::string& type, const std::string& name,
                  const std::string& version, const std::string& value) {
  return R"({"type":")" + type + R"(","object":)" +
         object(name, version, value) + "}\n";
}

std::string bookmark(const std::string& version, bool end) {
  json object = {{"apiVersion", "coordination.k8s.io/v1"},
                 {"kind", "Lease"},
                 {"metadata", {{"resourceVersion", version}}}};
  if (end)
    object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  return json{{"type", "BOOKMARK"}, {"object", object}}.dump() + "\n";
}

std::string list(const std::string& version, const std::string& next,
                 const std::vector<std::string>& objects) {
  json out = {{"apiVersion", "coordination.k8s.io/v1"},
              {"kind", "LeaseList"},
              {"metadata", {{"resourceVersion", version}}},
              {"items", json::array()}};
  if (!next.empty()) out["metadata"]["continue"] = next;
  for (const std::string& one : objects)
    out["items"].push_back(json::parse(one));
  return out.dump();
}

std::string refusal(int code, const std::string& reason) {
  return json{{"kind", "Status"},      {"apiVersion", "v1"},
              {"status", "Failure"},   {"reason", reason},
              {"message", "scripted"}, {"code", code}}
      .dump();
}

Step answer(int status, const std::string& body, const std::string& headers) {
  return [=](const fakes::SeenRequest&, fakes::Reply& reply) {
    reply.answer(status, body, headers);
  };
}

Step ends(std::vector<std::string> chunks) {
  return [=](const fakes::SeenRequest&, fakes::Reply& reply) {
    reply.open_stream();
    for (const std::string& chunk : chunks) reply.chunk(chunk);
    reply.end_stream();
  };
}

Step stays(std::vector<std::string> chunks) {
  return [=](const fakes::SeenRequest&, fakes::Reply& reply) {
    reply.open_stream();
    for (const std::string& chunk : chunks) reply.chunk(chunk);
    reply.wait_for_client_to_close();
  };
}

void Script::operator()(const fakes::SeenRequest& seen, fakes::Reply& reply) {
  size_t mine = 0;
  {
    const std::lock_guard lock(mutex_);
    mine = next_++;
  }
  if (mine < steps_.size()) return steps_[mine](seen, reply);
  reply.wait_for_client_to_close();
}

Watched::Watched(std::vector<Step> steps, WatchedOptions options)
    : script(std::move(steps)),
      server([this](const auto& seen, auto& reply) { script(seen, reply); },
             options.tls),
      transport(transport_to(server, options.ca)),
      reflector({*transport, store.core(), timer},
                {.resource = kube::kLeases, .ns = "ns"}, project,
                quick(options)) {
  store.core().add_handler([this](const Delivery& delivery) {
    if (on_delivery) on_delivery(delivery);
    const std::lock_guard lock(mutex_);
    if (!told_.empty()) told_ += ' ';
    told_ += sign_of(delivery.change) + delivery.key.name;
  });
}

Watched::~Watched() { reflector.stop(); }

std::map<std::string, std::string> Watched::held() const {
  std::map<std::string, std::string> out;
  for (const ObjectKey& key : store.core().keys()) {
    const auto value = store.get(key);
    out[key.name] = value ? *value : "";
  }
  return out;
}

std::string Watched::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

bool Watched::await_told(const std::string& all) {
  const bool came = eventually([&] { return told() == all; });
  EXPECT_EQ(told(), all);
  return came;
}

std::vector<std::string> Watched::targets() const {
  std::vector<std::string> out;
  for (const auto& request : server.requests()) out.push_back(request.target);
  return out;
}

}  // namespace chrysalis::runtime::testing
