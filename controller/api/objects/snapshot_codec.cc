#include <utility>

#include "controller/api/names.h"
#include "controller/api/objects/codec.h"
#include "controller/api/objects/common_codec.h"
#include "controller/api/objects/tree_value.h"

namespace chrysalis::api {
namespace codec {

template <>
struct Names<DeletionPolicy> {
  static constexpr std::span<const DeletionPolicy> kAll = kDeletionPolicies;
};
template <>
struct Names<SnapshotPhase> {
  static constexpr std::span<const SnapshotPhase> kAll = kSnapshotPhases;
};

// ---- spec

// `source`: exactly one of its members.
struct SourceOfSnapshot {
  struct Machine {
    std::string name;
  };
  std::optional<Machine> machine;
  std::optional<DirectorySource> directory;
};
template <>
struct Members<SourceOfSnapshot::Machine> {
  static constexpr Member<SourceOfSnapshot::Machine> kList[] = {
      member<&SourceOfSnapshot::Machine::name>("name")};
};
template <>
struct Members<DirectorySource> {
  static constexpr Member<DirectorySource> kList[] = {
      member<&DirectorySource::node_name>("nodeName"),
      member<&DirectorySource::name>("name"),
  };
};
template <>
struct Members<SourceOfSnapshot> {
  static constexpr Member<SourceOfSnapshot> kList[] = {
      member<&SourceOfSnapshot::machine>("virtualMachine"),
      member<&SourceOfSnapshot::directory>("directory"),
  };
};
template <>
struct Members<SnapshotSpec> {
  static constexpr Member<SnapshotSpec> kList[] = {
      {"source",
       [](JsonValue& value, SnapshotSpec& out) {
         SourceOfSnapshot source;
         auto read = Codec<SourceOfSnapshot>::read(value, source);
         if (!read) return read;
         out.virtual_machine = source.machine ? source.machine->name : "";
         out.directory = std::move(source.directory);
         return read;
       },
       [](const SnapshotSpec& from) -> std::optional<json> {
         SourceOfSnapshot source;
         source.directory = from.directory;
         if (!from.virtual_machine.empty())
           source.machine = SourceOfSnapshot::Machine{from.virtual_machine};
         return write_members(source);
       }},
      member<&SnapshotSpec::description>("description"),
      member<&SnapshotSpec::deletion_policy>("deletionPolicy"),
  };
};

// ---- status

template <>
struct Members<SnapshotProgram> {
  static constexpr Member<SnapshotProgram> kList[] = {
      member<&SnapshotProgram::name>("name"),
      member<&SnapshotProgram::version>("version"),
      member<&SnapshotProgram::binary_sha256>("binarySHA256"),
      member<&SnapshotProgram::format>("format"),
  };
};
template <>
struct Members<SnapshotHost> {
  static constexpr Member<SnapshotHost> kList[] = {
      member<&SnapshotHost::cpu_model>("cpuModel"),
      member<&SnapshotHost::kernel>("kernel"),
  };
};
template <>
struct Members<SnapshotSize> {
  static constexpr Member<SnapshotSize> kList[] = {
      member<&SnapshotSize::memory>("memory"),
      member<&SnapshotSize::disk>("disk"),
      {"total", [](JsonValue&, SnapshotSize&) { return Result<>{}; },
       [](const SnapshotSize& from) -> std::optional<json> {
         return Codec<model::Bytes>::write(
             {from.memory.count + from.disk.count});
       }},
  };
};

template <>
struct Members<SnapshotStatus> {
  static constexpr Member<SnapshotStatus> kList[] = {
      member<&SnapshotStatus::observed_generation, Zero::kIsAbsent>(
          "observedGeneration"),
      member<&SnapshotStatus::ready_to_use>("readyToUse"),
      member<&SnapshotStatus::node_name>("nodeName"),
      member<&SnapshotStatus::captured_at>("capturedAt"),
      member<&SnapshotStatus::snapshot_id>("snapshotID"),
      member<&SnapshotStatus::phase>("phase"),
      member<&SnapshotStatus::source_uid>("sourceUID"),
      member<&SnapshotStatus::hypervisor>("hypervisor"),
      member<&SnapshotStatus::host>("host"),
      member<&SnapshotStatus::config>("config"),
      member<&SnapshotStatus::size>("size"),
      member<&SnapshotStatus::pause_milliseconds>("pauseMilliseconds"),
      member<&SnapshotStatus::manifest_digest>("manifestDigest"),
      member<&SnapshotStatus::conditions>("conditions"),
  };
};

template <>
struct Members<VmSnapshot> {
  static constexpr Member<VmSnapshot> kList[] = {
      member<&VmSnapshot::meta>("metadata"),
      member<&VmSnapshot::spec>("spec"),
      member<&VmSnapshot::status>("status"),
  };
};

}  // namespace codec

Result<VmSnapshot> decode_snapshot(JsonValue& object) {
  return codec::decode<VmSnapshot>(object);
}

Result<VmSnapshot> decode_snapshot(const nlohmann::json& object) {
  TreeValue value(object);
  return decode_snapshot(value);
}

nlohmann::json encode_status(const SnapshotStatus& status) {
  return codec::write_members(status);
}

nlohmann::json encode(const VmSnapshot& snapshot) {
  nlohmann::json out = codec::write_members(snapshot);
  out["apiVersion"] = std::string(kApiVersion);
  out["kind"] = std::string(names_of(Kind::kVmSnapshot).kind);
  return out;
}

}  // namespace chrysalis::api
