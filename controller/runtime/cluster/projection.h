#pragma once

// From an object's text, as the API server wrote it, to its value: one walk,
// what is not asked for (managedFields above all) is skipped.
// Thread-safety: that of the reader. Total on hostile text.
// Errors: kInvalid with the path of what does not fit; kCorrupt - no JSON.

#include "controller/api/names.h"
#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "controller/kube/json_value.h"
#include "controller/kube/line_splitter.h"
#include "src/base/result.h"

namespace chrysalis::runtime {

template <class T>
inline constexpr api::Kind kind_of = api::Kind::kVirtualMachine;
template <>
inline constexpr api::Kind kind_of<api::VmSnapshot> = api::Kind::kVmSnapshot;

template <class T>  // api::VirtualMachine or api::VmSnapshot
Result<T> project(kube::JsonReader& reader, kube::PaddedJson text);

}  // namespace chrysalis::runtime
