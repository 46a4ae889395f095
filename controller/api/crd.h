#pragma once

// crds/*.yaml, from the schema, the rules and the columns. PURE.
// `make crds` writes the files; a test fails when they are stale.

#include <string>

#include "controller/api/names.h"
#include "controller/api/schema.h"

namespace chrysalis::api {

// The CustomResourceDefinition as an object, and as the text of its file.
Schema crd(Kind kind);
std::string crd_yaml(Kind kind);

// "chrysalis.dev_virtualmachines.yaml"
std::string crd_file_name(Kind kind);

}  // namespace chrysalis::api
