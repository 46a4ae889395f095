#pragma once

// VirtualMachine as a value: what the schema (vm_schema.cc) says in types.
// codec.h reads and writes it. PURE. Thread-safety: a value.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/api/enums.h"
#include "controller/api/objects/meta.h"
#include "src/base/clock.h"
#include "src/model/fields.h"
#include "src/model/inherit.h"
#include "src/model/values.h"

namespace chrysalis::api {

// cpu, memory, storage or nics where another system would take it, inside a
// request: never obeyed, kept so that it can be refused by name.
struct DeclaredName {
  std::string key;
  std::variant<int64_t, std::string> value;
  friend bool operator==(const DeclaredName&, const DeclaredName&) = default;
};

// spec.source.snapshot
struct CloneSource {
  std::string name;
  bool on_demand = false;
  std::string manifest_digest;  // "": any
  std::vector<DeclaredName> declared = {};
  friend bool operator==(const CloneSource&, const CloneSource&) = default;
};

// spec.restore
struct RestoreSpec {
  std::string snapshot;
  uint64_t attempt = 1;
  bool on_demand = false;
  bool allow_foreign = false;
  std::string manifest_digest;  // "": any
  std::vector<DeclaredName> declared = {};
  friend bool operator==(const RestoreSpec&, const RestoreSpec&) = default;
};

struct VmSpec {
  model::VmWish wish;  // every field of the law; source.image.name among them
  std::optional<CloneSource> clone;  // else an image boot: wish.image
  model::PowerState power = model::PowerState::kRunning;
  model::RestartPolicy restart_policy = model::RestartPolicy::kOnFailure;
  seconds stop_grace{30};
  std::optional<uint64_t> restart_attempt;
  std::optional<RestoreSpec> restore;
  std::string node_name;  // "": any
  friend bool operator==(const VmSpec&, const VmSpec&) = default;
};

struct ProgramStatus {  // status.hypervisor of a VM
  std::string name, version;
  friend bool operator==(const ProgramStatus&, const ProgramStatus&) = default;
};
struct InheritedFrom {
  std::string snapshot, uid, manifest_digest;
  friend bool operator==(const InheritedFrom&, const InheritedFrom&) = default;
};
struct RestoreStatus {
  std::string snapshot, snapshot_uid;
  uint64_t attempt = 0;
  RestoreVerdict result = RestoreVerdict::kInProgress;
  std::string reason, message;
  std::optional<Wall> started_at, finished_at;
  std::optional<uint64_t> pause_milliseconds;
  friend bool operator==(const RestoreStatus&, const RestoreStatus&) = default;
};
struct LastExit {
  Wall at{};
  std::string reason;
  int exit_code = 0;
  friend bool operator==(const LastExit&, const LastExit&) = default;
};
struct Interface {
  std::string name, network, mac, guest_mac;
  std::vector<std::string> ips;
  friend bool operator==(const Interface&, const Interface&) = default;
};

// Absent members are absent in the object: what is not known is not said.
struct VmStatus {
  uint64_t observed_generation = 0;
  std::string node_name;
  std::optional<ProgramStatus> hypervisor;
  std::optional<VmPhase> phase;
  std::optional<model::VmConfig> config;       // all keys, or none
  std::optional<model::VmSources> provenance;  // the same
  std::optional<InheritedFrom> inherited_from;
  std::vector<model::Drift> spec_drift;
  std::optional<RestoreStatus> restore;
  std::optional<uint64_t> restart_attempt;  // restart.attempt
  std::optional<uint64_t> restarts, guest_reboots;
  std::optional<Wall> started_at;
  std::optional<LastExit> last_exit;
  std::vector<Interface> interfaces;
  std::vector<Condition> conditions;
  friend bool operator==(const VmStatus&, const VmStatus&) = default;
};

struct VirtualMachine {
  using Status = VmStatus;
  Meta meta;
  VmSpec spec;
  VmStatus status;
  friend bool operator==(const VirtualMachine&,
                         const VirtualMachine&) = default;
};

}  // namespace chrysalis::api
