#pragma once

// Both kinds from JSON and status to JSON. Fields of the law go by the field
// table; the rest stands here once.
// PURE. Total on any JSON value. Errors: kInvalid with the path of the first
// field that has another type than the schema's ("spec.powerState: ..."): such
// an object never passed the server, so it is reported and skipped, never
// half-read. Unknown fields are ignored: a newer server may have them.

#include <nlohmann/json_fwd.hpp>

#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "src/base/result.h"

namespace chrysalis::api {

// REQUIRES: defaults filled in (by the server, or apply_defaults()).
Result<VirtualMachine> decode_vm(const nlohmann::json& object);
Result<VmSnapshot> decode_snapshot(const nlohmann::json& object);

// The whole of `status`: absent members have no key.
nlohmann::json encode_status(const VmStatus& status);
nlohmann::json encode_status(const SnapshotStatus& status);

}  // namespace chrysalis::api
