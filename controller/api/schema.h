#pragma once

// The structural schema of the two kinds: types, enums, bounds, docs and
// defaults as the API server wants them. Fields of the law come from the field
// table; the rest (sources, power, requests, status) stands here once.
// PURE. Keys keep their order, so that the generated files read well.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "controller/api/names.h"

namespace chrysalis::api {

using Schema = nlohmann::ordered_json;

// The schema of one whole object: apiVersion, kind, metadata, spec, status.
Schema object_schema(Kind kind);

// The largest whole number that every JSON reader keeps exact.
inline constexpr int64_t kMaxCount = (int64_t{1} << 53) - 1;

// Building blocks, shared by the two kinds' files.
namespace schema {
Schema object(std::string doc, Schema properties);
Schema text(std::string doc, size_t max_length);
Schema label(std::string doc);      // a DNS-1123 label
Schema subdomain(std::string doc);  // an image's name
Schema digest(std::string doc);     // sha256:<64 hex>
Schema integer(std::string doc, int64_t min, int64_t max);
Schema boolean(std::string doc);
Schema quantity(std::string doc);
Schema timestamp(std::string doc);
Schema enumeration(std::string doc, std::initializer_list<std::string_view>);
// The names of a whole enumeration of the model, in its order.
template <class T, size_t N>
Schema every_name_of(std::string doc, const T (&values)[N]) {
  Schema out = enumeration(std::move(doc), {});
  for (const T value : values)
    out["enum"].push_back(std::string(to_string(value)));
  return out;
}
Schema with_default(Schema of, nlohmann::ordered_json value);
Schema require(Schema object, std::initializer_list<std::string_view> names);
Schema conditions();
// status.config and status.provenance, made from the rows.
Schema config(std::string doc);
Schema provenance();
}  // namespace schema

Schema vm_spec_schema();
Schema vm_status_schema();
Schema snapshot_spec_schema();
Schema snapshot_status_schema();

}  // namespace chrysalis::api
