#pragma once

// What is told of an object, for people. A value. PURE.

#include <string>

#include "controller/api/names.h"
#include "controller/runtime/object_key.h"

namespace chrysalis::runtime {

// Something that happened to an object, for people. Repeats of one become a
// series, at most two a transition are told.
struct EventNote {
  api::Kind kind = api::Kind::kVirtualMachine;
  ObjectKey key;
  std::string uid;
  bool warning = false;
  std::string reason;  // of the enumerated list
  std::string action;  // "Restore"
  std::string message;
};

}  // namespace chrysalis::runtime
