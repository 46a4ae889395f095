#pragma once

// Both kinds from JSON and to JSON. One table a struct serves both ways, the
// fields of the law go by the field table.
// PURE. Total on any JSON value. Errors: kInvalid with the path of the first
// field that has another type than the schema's ("spec.powerState: ..."): such
// an object never passed the server, so it is reported and skipped, never
// half-read. Unknown fields are ignored: a newer server may have them. null is
// absent. status.config and status.provenance: all keys, or nothing.

#include <nlohmann/json_fwd.hpp>

#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "src/base/json_value.h"
#include "src/base/result.h"

namespace chrysalis::api {

// REQUIRES: defaults filled in (by the server, or apply_defaults()).
// The first form reads a text as it is walked (the watch), the second a tree.
Result<VirtualMachine> decode_vm(JsonValue& object);
Result<VirtualMachine> decode_vm(const nlohmann::json& object);
Result<VmSnapshot> decode_snapshot(JsonValue& object);
Result<VmSnapshot> decode_snapshot(const nlohmann::json& object);

// The whole of `status`: absent members have no key.
nlohmann::json encode_status(const VmStatus& status);
nlohmann::json encode_status(const SnapshotStatus& status);

// The whole object, with quantities in their canonical form: for a guard that
// has no text of it.
nlohmann::json encode(const VirtualMachine& vm);
nlohmann::json encode(const VmSnapshot& snapshot);

}  // namespace chrysalis::api
