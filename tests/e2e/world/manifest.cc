#include "tests/e2e/world/manifest.h"

namespace chrysalis::e2e {
namespace {

json find_condition(const json& object, const std::string& type) {
  for (const json& one : at(object, "/status/conditions"))
    if (one.value("type", "") == type) return one;
  return json::object();
}

}  // namespace

std::string Manifest::text(const std::string& ns) const {
  json object{
      {"apiVersion", "chrysalis.dev/v1alpha1"},
      {"kind", id.kind == "vmsnapshot" ? "VMSnapshot" : "VirtualMachine"},
      {"metadata", {{"name", id.name}}},
      {"spec", spec}};
  if (!ns.empty()) object["metadata"]["namespace"] = ns;
  return object.dump(2) + "\n";
}

Manifest image_vm(const std::string& name, model::Hypervisor hypervisor) {
  const bool ch = hypervisor == model::Hypervisor::kCloudHypervisor;
  return {
      vm(name),
      {{"source", {{"image", {{"name", ch ? "counter" : "counter-fc"}}}}},
       {"hypervisor", std::string(to_string(hypervisor))},
       {"stopGracePeriodSeconds", 1},
       {"resources",
        {{"cpu", 1}, {"memory", "64Mi"}, {"storage", "16Mi"}, {"nics", 1}}}}};
}

Manifest clone_of(const std::string& name, const std::string& snapshot) {
  return {vm(name),
          {{"source", {{"snapshot", {{"name", snapshot}}}}},
           {"stopGracePeriodSeconds", 1}}};
}

Manifest snapshot_of(const std::string& name, const std::string& vm) {
  return {snapshot(name), {{"source", {{"virtualMachine", {{"name", vm}}}}}}};
}

json at(const json& object, const std::string& path) {
  const json::json_pointer pointer(path);
  return object.contains(pointer) ? object.at(pointer) : json();
}

std::string text_at(const json& object, const std::string& path) {
  const json found = at(object, path);
  if (found.is_string()) return found.get<std::string>();
  return found.is_null() ? "" : found.dump();
}

std::string condition(const json& object, const std::string& type) {
  const json found = find_condition(object, type);
  if (found.empty()) return "";
  return found.value("status", "") + "/" + found.value("reason", "");
}

std::string message(const json& object, const std::string& type) {
  return find_condition(object, type).value("message", "");
}

bool is_ready(const json& object) {
  return condition(object, "Ready").starts_with("True/");
}

}  // namespace chrysalis::e2e
