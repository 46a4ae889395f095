#pragma once

// One row a rule: a request that it refuses and a neighbour that it accepts.
// The same rows go through the rules evaluated here and through a real API
// server that has crds/ and nothing else of ours running.

#include <span>

#include "controller/api/names.h"

namespace chrysalis::api {

struct LawCase {
  Kind kind;
  const char* rule;  // its id
  const char* old;   // spec before an update; nullptr: a creation
  const char* refused;
  const char* accepted;
  const char* name = "case";  // metadata.name of the refused one
};

std::span<const LawCase> law_cases();

}  // namespace chrysalis::api
