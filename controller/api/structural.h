#pragma once

// What the API server does before its rules: defaults, unknown fields, types,
// enums, bounds; in the server's own words, so that an offline check says
// what `kubectl apply` would say. Collects every fault.
//
// PURE. Bounds: input is a parsed value; depth is limited by the schema, as an
// unknown field is named and not entered.

#include <cstdint>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/api/schema.h"
#include "src/model/law.h"

namespace chrysalis::api {

// Fills in the defaults below objects that are there, and takes nulls out, as
// the server does before it looks.
void apply_defaults(const Schema& schema, nlohmann::json& value);

// What kind of fault it is, for whoever lists or counts them.
enum class Broken : uint8_t {
  kUnknownField,
  kType,
  kRequired,
  kTooLong,
  kTooShort,
  kPattern,
  kEnum,
  kBounds,
};
std::string_view to_string(Broken broken);  // "unknown-field"

struct StructuralFault {
  Broken broken = Broken::kType;
  model::Fault fault;
};
std::vector<StructuralFault> find_structural(const Schema& schema,
                                             const nlohmann::json& value);

// The same, without the kinds.
std::vector<model::Fault> check_structure(const Schema& schema,
                                          const nlohmann::json& value);

}  // namespace chrysalis::api
