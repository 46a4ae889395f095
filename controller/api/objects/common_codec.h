#pragma once

// What both kinds share of the codec: metadata, conditions, the fields of the
// law as status says them. Internal to this folder. PURE.

#include <optional>
#include <string>

#include "controller/api/enums.h"
#include "controller/api/objects/members.h"
#include "controller/api/objects/meta.h"
#include "src/model/fields.h"

namespace chrysalis::api::codec {

template <>
struct Names<Truth> {
  static constexpr std::span<const Truth> kAll = kTruths;
};
template <>
struct Names<model::Hypervisor> {
  static constexpr std::span<const model::Hypervisor> kAll =
      model::kHypervisors;
};
template <>
struct Names<model::Source> {
  static constexpr std::span<const model::Source> kAll = model::kSources;
};

template <>
struct Members<Meta> {
  static constexpr Member<Meta> kList[] = {
      member<&Meta::ns>("namespace"),
      member<&Meta::name>("name"),
      member<&Meta::uid>("uid"),
      member<&Meta::generation, Zero::kIsAbsent>("generation"),
      member<&Meta::resource_version>("resourceVersion"),
      member<&Meta::created_at>("creationTimestamp"),
      member<&Meta::deleted_at>("deletionTimestamp"),
      member<&Meta::finalizers>("finalizers"),
  };
};

template <>
struct Members<Condition> {
  static constexpr Member<Condition> kList[] = {
      member<&Condition::type>("type"),
      member<&Condition::status>("status"),
      member<&Condition::reason>("reason"),
      member<&Condition::message>("message"),
      member<&Condition::observed_generation, Zero::kIsAbsent>(
          "observedGeneration"),
      member<&Condition::last_transition>("lastTransitionTime"),
  };
};

// status.config and status.provenance: a key a row. All keys or none: of an
// object that lacks one (written by an older version) none is believed.
template <class Fields>
struct RowsCodec {
  static bool absent(const std::optional<Fields>& from) { return !from; }

  static Result<> read(JsonValue& value, std::optional<Fields>& out) {
    Fields fields{};
    uint64_t missing = 0, bit = 1;
    model::for_each_field([&](const auto&, auto) {
      missing |= bit;
      bit <<= 1;
    });
    Result<> result;
    const bool whole =
        value.members([&](std::string_view key, JsonValue& item) {
          if (item.is_null()) return true;
          uint64_t mine = 1;
          model::for_each_field([&](const auto& row, auto at) {
            if (row.key == key) {
              using T = std::remove_cvref_t<decltype(at(fields))>;
              result = below(key, Codec<T>::read(item, at(fields)));
              missing &= ~mine;
            }
            mine <<= 1;
          });
          return result.has_value();
        });
    if (!result) return result;
    if (!whole) return misfit("must be an object");
    out.reset();
    if (missing == 0) out = std::move(fields);
    return {};
  }

  static json write(const std::optional<Fields>& from) {
    json out = json::object();
    model::for_each_field([&](const auto& row, auto at) {
      using T = std::remove_cvref_t<decltype(at(*from))>;
      out[std::string(row.key)] = Codec<T>::write(at(*from));
    });
    return out;
  }
};
template <>
struct Codec<std::optional<model::VmConfig>> : RowsCodec<model::VmConfig> {};
template <>
struct Codec<std::optional<model::VmSources>> : RowsCodec<model::VmSources> {};

// An object of a kind: "spec.powerState: must be a string" on failure.
template <class T>
Result<T> decode(JsonValue& value) {
  T out;
  if (auto read = Codec<T>::read(value, out); !read) {
    Error error = read.error();
    error.message.erase(0, error.message.find_first_not_of(".: "));
    return tl::unexpected<Error>(std::move(error));
  }
  return out;
}

}  // namespace chrysalis::api::codec
