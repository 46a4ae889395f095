#pragma once

// From what is remembered of an object to the object that reconcilers see.
// PURE. Thread-safety: values.
// Errors: kInvalid - its spec is none that this version reads. An object that
//   is being deleted is shown all the same, without a spec; a snapshot then
//   with deletionPolicy Retain, as nobody knows what was asked.

#include <string>

#include "controller/api/objects/virtual_machine.h"
#include "controller/api/objects/vm_snapshot.h"
#include "controller/runtime/directory/identity.h"
#include "src/base/result.h"
#include "src/store/records.h"

namespace chrysalis::runtime::directory {

struct Here {
  std::string node;       // in status.nodeName from the start
  std::string finalizer;  // on every object from the start
};

// REQUIRES: of that kind; not hidden.
Result<api::VirtualMachine> present_vm(const store::IdentityRow& row,
                                       Shown shown, const Here& here);
Result<api::VmSnapshot> present_snapshot(const store::IdentityRow& row,
                                         Shown shown, const Here& here);

}  // namespace chrysalis::runtime::directory
