#pragma once

// `chrysalis check FILE...`, without the files: texts in, findings out. Says
// offline what `kubectl apply` would say, with file and line.
// PURE. Total on any bytes; texts are bounded (kMaxFileBytes, and the depth
// and number of values of yaml_reader.h). Thread-safety: pure functions.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "controller/admission/verdict.h"

namespace chrysalis::admission {

inline constexpr size_t kMaxFileBytes = size_t{3} << 20;

struct Input {
  std::string name;  // as it is to be called: a path, "-"
  std::string text;
};

struct Finding {
  std::string file;
  uint32_t line = 0;   // from 1; 0: the file as a whole
  std::string object;  // "VirtualMachine default/a"; "": none was read
  Verdict verdict;
  std::string value;  // what stands there, as JSON; "": nothing, or too long
};

struct Report {
  std::vector<Finding> findings;  // in the order of the files
  size_t objects = 0;             // of our kinds
  size_t refused = 0;             // of our kinds, and texts that do not parse

  [[nodiscard]] int exit_code() const { return refused == 0 ? 0 : 1; }
};

Report check(std::span<const Input> inputs);

// report.cc
std::string to_text(const Report& report);
std::string to_json(const Report& report);
std::string to_sarif(const Report& report);  // 2.1.0

}  // namespace chrysalis::admission
