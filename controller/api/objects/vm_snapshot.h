#pragma once

// VMSnapshot as a value: what the schema (snapshot_schema.cc) says in types.
// PURE. Thread-safety: a value.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/enums.h"
#include "controller/api/objects/meta.h"
#include "src/base/clock.h"
#include "src/model/fields.h"
#include "src/model/values.h"

namespace chrysalis::api {

struct DirectorySource {
  std::string node_name, name;
  friend bool operator==(const DirectorySource&,
                         const DirectorySource&) = default;
};

struct SnapshotSpec {
  std::string virtual_machine;  // "": an import of `directory`
  std::optional<DirectorySource> directory;
  std::string description;
  DeletionPolicy deletion_policy = DeletionPolicy::kDelete;
  friend bool operator==(const SnapshotSpec&, const SnapshotSpec&) = default;
};

struct SnapshotProgram {
  std::string name, version, binary_sha256, format;
  friend bool operator==(const SnapshotProgram&,
                         const SnapshotProgram&) = default;
};
struct SnapshotHost {
  std::string cpu_model, kernel;
  friend bool operator==(const SnapshotHost&, const SnapshotHost&) = default;
};
struct SnapshotSize {             // data, holes not counted
  model::Bytes memory{}, disk{};  // total is their sum
  friend bool operator==(const SnapshotSize&, const SnapshotSize&) = default;
};

struct SnapshotStatus {
  uint64_t observed_generation = 0;
  std::optional<bool> ready_to_use;
  std::string node_name;
  std::optional<Wall> captured_at;
  std::string snapshot_id;
  std::optional<SnapshotPhase> phase;
  std::optional<std::string> source_uid;  // "" is said: an import has none
  std::optional<SnapshotProgram> hypervisor;
  std::optional<SnapshotHost> host;
  std::optional<model::VmConfig> config;
  std::optional<SnapshotSize> size;
  std::optional<uint64_t> pause_milliseconds;
  std::string manifest_digest;
  std::vector<Condition> conditions;
  friend bool operator==(const SnapshotStatus&,
                         const SnapshotStatus&) = default;
};

struct VmSnapshot {
  using Status = SnapshotStatus;
  Meta meta;
  SnapshotSpec spec;
  SnapshotStatus status;
  friend bool operator==(const VmSnapshot&, const VmSnapshot&) = default;
};

}  // namespace chrysalis::api
