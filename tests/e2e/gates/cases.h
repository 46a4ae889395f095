#pragma once

// The cases that every gate gets: what a clone or a restore may not name, even
// where it equals the snapshot's (those of the VM `app` of gates_test.cc), and
// the nearest requests that are allowed. The words stand here as text, so that
// a change of them is seen. No effects.

#include <ostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/api/names.h"

namespace chrysalis::e2e {

using nlohmann::json;

struct Said {
  std::string path, words;
  bool forbidden = true;  // else invalid
  auto operator<=>(const Said&) const = default;
  // "Forbidden: ...", as an API server puts it into a cause.
  [[nodiscard]] std::string cause() const {
    return (forbidden ? "Forbidden: " : "Invalid value: ") + words;
  }
};

inline void PrintTo(const Said& said, std::ostream* out) {
  *out << said.path << ": " << said.cause();
}

struct GateCase {
  std::string name;
  api::Kind kind = api::Kind::kVirtualMachine;
  json base;    // a spec that is allowed
  json breaks;  // merged into it
  std::vector<Said> said;
  std::vector<Said> on_update = {};  // beside `said`
  std::string value = {};            // at said[0].path

  [[nodiscard]] json spec() const {
    json out = base;
    out.merge_patch(breaks);
    return out;
  }
  [[nodiscard]] bool of_restore() const { return base.contains("restore"); }
};

std::vector<GateCase> refused_cases();
// With nothing said.
std::vector<GateCase> accepted_cases();

}  // namespace chrysalis::e2e
