#include <utility>

#include "controller/api/names.h"
#include "controller/api/objects/codec.h"
#include "controller/api/objects/common_codec.h"
#include "controller/api/objects/tree_value.h"
#include "src/model/inherit.h"
#include "src/model/law.h"

namespace chrysalis::api {
namespace codec {

template <>
struct Names<VmPhase> {
  static constexpr std::span<const VmPhase> kAll = kVmPhases;
};
template <>
struct Names<RestoreVerdict> {
  static constexpr std::span<const RestoreVerdict> kAll = kRestoreVerdicts;
};
template <>
struct Names<model::PowerState> {
  static constexpr std::span<const model::PowerState> kAll =
      model::kPowerStates;
};
template <>
struct Names<model::RestartPolicy> {
  static constexpr std::span<const model::RestartPolicy> kAll =
      model::kRestartPolicies;
};
template <>
struct Names<model::Drift::ClearedBy> {
  static constexpr std::span<const model::Drift::ClearedBy> kAll =
      model::kClearedBys;
};

// `restart: {attempt: N}`, in spec and in status.
struct Restart {
  std::optional<uint64_t> attempt;
};
template <>
struct Members<Restart> {
  static constexpr Member<Restart> kList[] = {
      member<&Restart::attempt>("attempt")};
};

// ---- spec

template <>
struct Members<CloneSource> {
  static constexpr Member<CloneSource> kList[] = {
      member<&CloneSource::name>("name"),
      member<&CloneSource::on_demand>("onDemand"),
      member<&CloneSource::manifest_digest>("manifestDigest"),
  };
};
template <>
struct Members<RestoreSpec> {
  static constexpr Member<RestoreSpec> kList[] = {
      member<&RestoreSpec::snapshot>("snapshot"),
      member<&RestoreSpec::attempt>("attempt"),
      member<&RestoreSpec::on_demand>("onDemand"),
      member<&RestoreSpec::allow_foreign>("allowForeign"),
      member<&RestoreSpec::manifest_digest>("manifestDigest"),
  };
};

namespace {

// What the schema declares inside a request only to be refused there.
bool is_declared(std::string_view key) {
  bool out = false;
  model::for_each_field([&](const auto& row, auto) {
    out = out ||
          (model::refused_beside_restore(row) && model::leaf(row.path) == key);
  });
  return out;
}

Result<> read_declared(std::string_view key, JsonValue& value,
                       std::vector<DeclaredName>& out) {
  if (!is_declared(key)) return {};
  DeclaredName one{std::string(key), {}};
  if (const auto number = value.integer())
    one.value = *number;
  else if (const auto text = value.is_text() ? value.text() : std::nullopt)
    one.value = std::string(*text);
  else
    return below(key, misfit("must be an integer or a string"));
  std::erase_if(out, [&](const auto& old) { return old.key == one.key; });
  out.push_back(std::move(one));
  return {};
}

}  // namespace

template <class T>
struct RequestCodec : AlwaysSaid<T> {
  static Result<> read(JsonValue& value, T& out) {
    T fresh{};
    CHRYSALIS_TRY(
        read_members(value, fresh, [&](std::string_view key, JsonValue& item) {
          return read_declared(key, item, fresh.declared);
        }));
    out = std::move(fresh);
    return {};
  }
  static json write(const T& from) {
    json out = write_members(from);
    for (const DeclaredName& one : from.declared)
      std::visit([&](const auto& value) { out[one.key] = value; }, one.value);
    return out;
  }
};
template <>
struct Codec<CloneSource> : RequestCodec<CloneSource> {};
template <>
struct Codec<RestoreSpec> : RequestCodec<RestoreSpec> {};

// What is neither a field of the law nor the source.
template <>
struct Members<VmSpec> {
  static constexpr Member<VmSpec> kList[] = {
      member<&VmSpec::power>("powerState"),
      member<&VmSpec::restart_policy>("restartPolicy"),
      member<&VmSpec::stop_grace>("stopGracePeriodSeconds"),
      {"restart",
       [](JsonValue& value, VmSpec& out) {
         Restart restart;
         auto read = Codec<Restart>::read(value, restart);
         if (read) out.restart_attempt = restart.attempt.value_or(1);
         return read;
       },
       [](const VmSpec& from) -> std::optional<json> {
         if (!from.restart_attempt) return std::nullopt;
         return write_members(Restart{from.restart_attempt});
       }},
      member<&VmSpec::restore>("restore"),
      member<&VmSpec::node_name>("nodeName"),
  };
};

namespace {

// Reads what stands at `path` below spec into the row of that path, or enters
// it when rows lie below it. Depth: that of the table's paths.
Result<> read_rows(const std::string& path, JsonValue& value,
                   model::VmWish& out) {
  Result<> result;
  bool parent = false;
  model::for_each_field([&](const auto& row, auto at) {
    if (row.path == path)
      result =
          Codec<std::remove_cvref_t<decltype(at(out))>>::read(value, at(out));
    parent = parent || (row.path.starts_with(path) &&
                        row.path.substr(path.size()).starts_with('.'));
  });
  if (!parent) return result;
  const bool whole = value.members([&](std::string_view key, JsonValue& item) {
    if (!item.is_null())
      result = below(key, read_rows(path + "." + std::string(key), item, out));
    return result.has_value();
  });
  if (result && !whole) return misfit("must be an object");
  return result;
}

Result<> read_source(JsonValue& value, VmSpec& out) {
  Result<> result;
  const bool whole = value.members([&](std::string_view key, JsonValue& item) {
    if (item.is_null()) return true;
    result = below(
        key, key == "snapshot"
                 ? Codec<std::optional<CloneSource>>::read(item, out.clone)
                 : read_rows("source." + std::string(key), item, out.wish));
    return result.has_value();
  });
  if (result && !whole) return misfit("must be an object");
  return result;
}

void write_at(json& object, std::string_view path, json value) {
  const auto dot = path.find('.');
  json& member = object[std::string(path.substr(0, dot))];
  if (dot == std::string_view::npos)
    member = std::move(value);
  else
    write_at(member, path.substr(dot + 1), std::move(value));
}

}  // namespace

template <>
struct Codec<VmSpec> : AlwaysSaid<VmSpec> {
  static Result<> read(JsonValue& value, VmSpec& out) {
    VmSpec fresh;
    CHRYSALIS_TRY(
        read_members(value, fresh, [&](std::string_view key, JsonValue& item) {
          return below(key, key == "source" ? read_source(item, fresh)
                                            : read_rows(std::string(key), item,
                                                        fresh.wish));
        }));
    out = std::move(fresh);
    return {};
  }
  static json write(const VmSpec& from) {
    json out = write_members(from);
    if (from.clone)
      out["source"]["snapshot"] = Codec<CloneSource>::write(*from.clone);
    model::for_each_field([&](const auto& row, auto at) {
      using T = model::RowValue<decltype(row)>;
      if (!row.path.empty() && at(from.wish))
        write_at(out, row.path, Codec<T>::write(*at(from.wish)));
    });
    return out;
  }
};

// ---- status

template <>
struct Members<ProgramStatus> {
  static constexpr Member<ProgramStatus> kList[] = {
      member<&ProgramStatus::name>("name"),
      member<&ProgramStatus::version>("version"),
  };
};
template <>
struct Members<InheritedFrom> {
  static constexpr Member<InheritedFrom> kList[] = {
      member<&InheritedFrom::snapshot>("snapshot"),
      member<&InheritedFrom::uid>("uid"),
      member<&InheritedFrom::manifest_digest>("manifestDigest"),
  };
};
template <>
struct Members<model::Drift> {
  static constexpr Member<model::Drift> kList[] = {
      member<&model::Drift::field>("field"),
      member<&model::Drift::spec>("spec"),
      member<&model::Drift::running>("running"),
      member<&model::Drift::cleared_by>("clearedBy"),
  };
};
template <>
struct Members<RestoreStatus> {
  static constexpr Member<RestoreStatus> kList[] = {
      member<&RestoreStatus::snapshot>("snapshot"),
      member<&RestoreStatus::snapshot_uid>("snapshotUID"),
      member<&RestoreStatus::attempt>("attempt"),
      member<&RestoreStatus::result>("result"),
      member<&RestoreStatus::reason>("reason"),
      member<&RestoreStatus::message>("message"),
      member<&RestoreStatus::started_at>("startedAt"),
      member<&RestoreStatus::finished_at>("finishedAt"),
      member<&RestoreStatus::pause_milliseconds>("pauseMilliseconds"),
  };
};
template <>
struct Members<LastExit> {
  static constexpr Member<LastExit> kList[] = {
      member<&LastExit::at>("at"),
      member<&LastExit::reason>("reason"),
      member<&LastExit::exit_code>("exitCode"),
  };
};
template <>
struct Members<Interface> {
  static constexpr Member<Interface> kList[] = {
      member<&Interface::name>("name"),
      member<&Interface::network>("network"),
      member<&Interface::mac>("mac"),
      member<&Interface::guest_mac>("guestMAC"),
      member<&Interface::ips>("ips"),
  };
};

template <>
struct Members<VmStatus> {
  static constexpr Member<VmStatus> kList[] = {
      member<&VmStatus::observed_generation, Zero::kIsAbsent>(
          "observedGeneration"),
      member<&VmStatus::node_name>("nodeName"),
      member<&VmStatus::hypervisor>("hypervisor"),
      member<&VmStatus::phase>("phase"),
      member<&VmStatus::config>("config"),
      member<&VmStatus::provenance>("provenance"),
      member<&VmStatus::inherited_from>("inheritedFrom"),
      member<&VmStatus::spec_drift>("specDrift"),
      member<&VmStatus::restore>("restore"),
      {"restart",
       [](JsonValue& value, VmStatus& out) {
         Restart restart;
         auto read = Codec<Restart>::read(value, restart);
         if (read) out.restart_attempt = restart.attempt;
         return read;
       },
       [](const VmStatus& from) -> std::optional<json> {
         if (!from.restart_attempt) return std::nullopt;
         return write_members(Restart{from.restart_attempt});
       }},
      member<&VmStatus::restarts>("restarts"),
      member<&VmStatus::guest_reboots>("guestReboots"),
      member<&VmStatus::started_at>("startedAt"),
      member<&VmStatus::last_exit>("lastExit"),
      member<&VmStatus::interfaces>("interfaces"),
      member<&VmStatus::conditions>("conditions"),
  };
};

template <>
struct Members<VirtualMachine> {
  static constexpr Member<VirtualMachine> kList[] = {
      member<&VirtualMachine::meta>("metadata"),
      member<&VirtualMachine::spec>("spec"),
      member<&VirtualMachine::status>("status"),
  };
};

}  // namespace codec

Result<VirtualMachine> decode_vm(JsonValue& object) {
  return codec::decode<VirtualMachine>(object);
}

Result<VirtualMachine> decode_vm(const nlohmann::json& object) {
  TreeValue value(object);
  return decode_vm(value);
}

nlohmann::json encode_status(const VmStatus& status) {
  return codec::write_members(status);
}

nlohmann::json encode(const VirtualMachine& vm) {
  nlohmann::json out = codec::write_members(vm);
  out["apiVersion"] = std::string(kApiVersion);
  out["kind"] = std::string(names_of(Kind::kVirtualMachine).kind);
  return out;
}

}  // namespace chrysalis::api
