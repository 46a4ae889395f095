#pragma once

// What becomes of the changes that a scan found: rows to remember, and
// refusals in the words of the API.
// PURE: new uids and what is known are given. Thread-safety: values.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/runtime/directory/directory_scan.h"
#include "controller/runtime/directory/manifest_document.h"
#include "src/base/clock.h"
#include "src/store/records.h"

namespace chrysalis::runtime::directory {

// A document that does not count, and why: "spec.x: ...; spec.y: ...".
struct Refusal {
  std::string file;
  uint32_t line = 0;
  std::string message;
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

struct Judged {
  std::vector<store::IdentityRow> rows;  // that are new or changed
  std::map<ObjectId, Refusal> refused;
};

struct JudgeFacts {
  const Rulebook& rules;
  std::string node_name;
  Wall now{};
  // What is remembered of an object; null: nothing.
  std::function<std::shared_ptr<const store::IdentityRow>(const ObjectId&)>
      known;
  std::function<std::string()> new_uid;
};

// REQUIRES: !decision.disregarded.
Judged judge(const Decision& decision, const JudgeFacts& facts);

}  // namespace chrysalis::runtime::directory
