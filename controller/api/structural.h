#pragma once

// What the API server does before its rules: defaults, unknown fields, types,
// enums, bounds; in the server's own words, so that an offline check says
// what `kubectl apply` would say. Collects every fault.
//
// PURE. Bounds: input is a parsed value; depth is limited by the schema, as an
// unknown field is named and not entered.

#include <vector>

#include <nlohmann/json.hpp>

#include "controller/api/schema.h"
#include "src/model/law.h"

namespace chrysalis::api {

// Fills in the schema's defaults below objects that are there.
void apply_defaults(const Schema& schema, nlohmann::json& value);

std::vector<model::Fault> check_structure(const Schema& schema,
                                          const nlohmann::json& value);

}  // namespace chrysalis::api
