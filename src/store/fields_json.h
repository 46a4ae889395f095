#pragma once

// The field table as JSON, for rows and manifests: {"cpu": 2, "memory": "1Gi",
// ...} and {"cpu": "Snapshot", ...}, keys and order from the rows.
// Reading is strict: every value has its type and, where `Absent::kRefused`,
// is there; an unknown key is refused then too. Bounds are not checked here:
// they belong to validation (src/model).
// Thread-safety: pure functions. Errors: kInvalid, "memory: not a quantity".

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include "src/base/result.h"
#include "src/model/fields.h"

namespace chrysalis::store {

enum class Absent : uint8_t {
  kDefault,  // our own rows: an older version did not know the field
  kRefused,  // foreign input: all of it, and nothing else
};

nlohmann::json to_json(const model::VmConfig& config);
nlohmann::json to_json(const model::VmSources& sources);
Result<model::VmConfig> config_from_json(const nlohmann::json& json,
                                         Absent absent);
Result<model::VmSources> sources_from_json(const nlohmann::json& json,
                                           Absent absent);

}  // namespace chrysalis::store
