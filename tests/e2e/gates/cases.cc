#include "tests/e2e/gates/cases.h"

#include <utility>

namespace chrysalis::e2e {
namespace {

const json kClone = {{"source", {{"snapshot", {{"name", "golden"}}}}}};
const json kRestore = {{"source", {{"image", {{"name", "counter"}}}}},
                       {"restore", {{"snapshot", "golden"}}}};
const json kSnapshot = {{"source", {{"virtualMachine", {{"name", "app"}}}}}};

constexpr const char* kFixedSource =
    "source: fixed at creation; create another ";

struct Value {
  const char* field;
  json value;
  const char* shown;
  bool in_resources;
};
// Those of `app`, as its snapshot has them.
const Value kValues[] = {
    {"cpu", 1, "1", true},
    {"memory", "64Mi", "64Mi", true},
    {"storage", "16Mi", "16Mi", true},
    {"nics", 1, "1", true},
    {"windows", false, "false", false},
    {"sharedMemory", false, "false", false},
    {"diskQueueSize", 512, "512", false},
};

json at_path(const std::string& path, const json& value) {
  json out;
  json::json_pointer pointer;
  for (size_t from = 0; from <= path.size();) {
    const size_t dot = std::min(path.find('.', from), path.size());
    pointer /= path.substr(from, dot - from);
    from = dot + 1;
  }
  out[pointer] = value;
  return out;
}

GateCase clone_case(const Value& v, const std::string& path) {
  const std::string field = v.field, where = "spec." + path;
  return {"clone: " + path,
          api::Kind::kVirtualMachine,
          kClone,
          at_path(path, v.value),
          {{where, field + " " + v.shown + ": a clone inherits " + field +
                       " from its snapshot; remove " + where}},
          {},
          v.value.dump()};
}

GateCase restore_case(const Value& v, const std::string& path) {
  const std::string field = v.field, where = "spec." + path;
  const bool kept = field == "nics" && path == "resources.nics";
  return {
      "restore: " + path,
      api::Kind::kVirtualMachine,
      kRestore,
      at_path(path, v.value),
      {{where, field + " " + v.shown + ": a restore " +
                   (kept ? "keeps the VM's nics, whose number must equal the "
                           "snapshot's"
                         : "takes " + field + " from the snapshot") +
                   "; remove " + where + " until the restore is done"}},
      {},
      v.value.dump()};
}

GateCase two_sources() {
  return {"clone: source.image",
          api::Kind::kVirtualMachine,
          kClone,
          at_path("source.image.name", "counter"),
          {{"spec.source",
            "set exactly one of spec.source.image and spec.source.snapshot",
            false}},
          {{"spec.source", std::string(kFixedSource) + "VirtualMachine"}},
          R"({"image":{"name":"counter"},"snapshot":{"name":"golden"}})"};
}

GateCase two_sources_of_a_snapshot() {
  return {
      "snapshot: source.directory",
      api::Kind::kVmSnapshot,
      kSnapshot,
      at_path("source.directory", {{"nodeName", "n"}, {"name", "d"}}),
      {{"spec.source",
        "set exactly one of spec.source.virtualMachine and "
        "spec.source.directory",
        false}},
      {{"spec.source", std::string(kFixedSource) + "VMSnapshot"}},
      R"({"directory":{"name":"d","nodeName":"n"},"virtualMachine":{"name":"app"}})"};
}

}  // namespace

std::vector<GateCase> refused_cases() {
  std::vector<GateCase> out;
  for (const Value& v : kValues) {
    const std::string field = v.field;
    out.push_back(clone_case(v, v.in_resources ? "resources." + field : field));
    if (!v.in_resources) continue;
    // Where another system would take them, inside the request.
    out.push_back(clone_case(v, "source.snapshot." + field));
    out.back().on_update = {
        {"spec.source", std::string(kFixedSource) + "VirtualMachine"}};
    out.push_back(restore_case(v, "resources." + field));
    out.push_back(restore_case(v, "restore." + field));
  }
  out.push_back(two_sources());
  out.push_back(two_sources_of_a_snapshot());
  return out;
}

std::vector<GateCase> accepted_cases() {
  const auto vm = [](const char* name, const json& base, json adds) {
    return GateCase{
        name, api::Kind::kVirtualMachine, base, std::move(adds), {}};
  };
  return {
      vm("clone: queueSize", kClone, {{"queueSize", 256}}),
      vm("clone: noDirectIO", kClone, {{"noDirectIO", true}}),
      vm("clone: powerState", kClone, {{"powerState", "Paused"}}),
      vm("restore: diskQueueSize", kRestore, {{"diskQueueSize", 512}}),
      vm("restore: allowForeign", kRestore,
         at_path("restore.allowForeign", true)),
      {"snapshot: deletionPolicy",
       api::Kind::kVmSnapshot,
       kSnapshot,
       {{"deletionPolicy", "Retain"}},
       {}},
  };
}

}  // namespace chrysalis::e2e
