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
#include <map>
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
  bool notes = false;       // fill lines and surprises, for a human
};

// A plain scalar that is no string, though it looks like one: yes, off, 0755.
struct YamlSurprise {
  uint32_t line = 0;
  std::string path;  // "spec.windows"
  std::string text;  // as it stands there
  std::string read;  // what it is: "true"
};

struct YamlDocument {
  nlohmann::json value;  // null: nothing stands there
  uint32_t line = 0;     // where its content begins, from 1
  // With notes: where each value begins, by its path ("spec.source",
  // "list[0].a"); paths beyond 512 bytes are left out.
  std::map<std::string, uint32_t> lines = {};
  std::vector<YamlSurprise> surprises = {};
};

struct YamlText {
  std::vector<YamlDocument> documents;  // none when there is a fault
  std::string fault;                    // empty: it parsed
  uint32_t fault_line = 0;              // from 1; 0: the text as a whole
};

YamlText read_yaml(std::string_view text, const YamlLimits& limits = {});

}  // namespace chrysalis::api
