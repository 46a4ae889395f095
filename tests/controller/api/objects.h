#pragma once

// Objects of the two kinds from the text of a spec.

#include <string>

#include <nlohmann/json.hpp>

#include "controller/api/names.h"
#include "controller/api/structural.h"

namespace chrysalis::api {

inline nlohmann::json object_of(Kind kind, const std::string& name,
                                const char* spec) {
  return {{"apiVersion", std::string(kApiVersion)},
          {"kind", std::string(names_of(kind).kind)},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"spec", nlohmann::json::parse(spec)}};
}

inline nlohmann::json defaulted(Kind kind, const std::string& name,
                                const char* spec) {
  auto object = object_of(kind, name, spec);
  apply_defaults(object_schema(kind), object);
  return object;
}

}  // namespace chrysalis::api
