#pragma once

// The manifests of these tests, and questions to what comes back. Objects are
// JSON as both worlds show them: metadata and status. No effects.

#include <string>

#include <nlohmann/json.hpp>

#include "src/model/values.h"

namespace chrysalis::e2e {

using nlohmann::json;

struct Id {
  std::string kind;  // "virtualmachine", "vmsnapshot"
  std::string name;
};
inline Id vm(std::string name) { return {"virtualmachine", std::move(name)}; }
inline Id snapshot(std::string name) { return {"vmsnapshot", std::move(name)}; }
inline std::string to_string(const Id& id) { return id.kind + "/" + id.name; }

struct Manifest {
  Id id;
  json spec;
  // JSON, which is YAML. Of no namespace where none is given.
  [[nodiscard]] std::string text(const std::string& ns = "") const;
};

// 1 cpu, 64Mi, a disk of 16Mi, one NIC.
Manifest image_vm(const std::string& name, model::Hypervisor hypervisor);
Manifest clone_of(const std::string& name, const std::string& snapshot);
Manifest snapshot_of(const std::string& name, const std::string& vm);

// "" or null where the path leads nowhere.
json at(const json& object, const std::string& path);
std::string text_at(const json& object, const std::string& path);
// "True/Running"; "" without such a condition.
std::string condition(const json& object, const std::string& type);
std::string message(const json& object, const std::string& type);

bool is_ready(const json& object);

}  // namespace chrysalis::e2e
