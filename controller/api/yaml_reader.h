#pragma once

// YAML and JSON that people wrote, as JSON values: what kubectl makes of it.
// Plain scalars have the types that they have there (yes and off are booleans,
// 0755 is octal); quoted ones are strings.
//
// Refused, with the line: what does not parse, a key that stands twice, merge
// keys (<<), nesting or sizes above the limits. Aliases count as what they
// stand for, so a small text cannot become a large value.
// PURE. Total on any bytes; nothing is thrown. Thread-safety: pure function.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace chrysalis::api {

struct YamlLimits {
  size_t bytes = size_t{1} << 20;
  size_t documents = 1024;
  size_t depth = 64;
  size_t values = 100'000;  // of all documents
};

struct YamlDocument {
  nlohmann::json value;  // null: nothing stands there
  uint32_t line = 0;     // where its content begins, from 1
};

struct YamlText {
  std::vector<YamlDocument> documents;  // none when there is a fault
  std::string fault;                    // empty: it parsed
  uint32_t fault_line = 0;              // from 1; 0: the text as a whole
};

YamlText read_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace chrysalis::api
