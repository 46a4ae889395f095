#pragma once

// One document of a manifest, as a value: whose it is and what the rules say
// of it by itself, in the words of the API server.
//
//   no mapping, no apiVersion, kind or name    doubt: who knows what was meant
//   our group, another version or kind         doubt
//   another group                              said, and skipped
//   ours                                       defaults filled in, then rules
//
// PURE. Total on any JSON value. Thread-safety: const members from any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/api/names.h"
#include "controller/api/schema.h"
#include "controller/runtime/directory/directory_scan.h"
#include "src/model/law.h"

namespace chrysalis::runtime::directory {

struct Understood {
  std::optional<Document> document;
  std::string said;       // empty: nothing to say
  bool doubtful = false;  // see ScannedFile
};

class Rulebook {
 public:
  Rulebook();
  // What an object says by itself is judged by admission; here is added what
  // a directory asks of it: a name that a file can have.
  [[nodiscard]] Understood read(nlohmann::json value, uint32_t line) const;
  // What the transition rules say of `spec` in place of `accepted`, both as
  // Document::spec. REQUIRES: both passed read().
  [[nodiscard]] std::vector<model::Fault> change(const ObjectId& id,
                                                 const std::string& accepted,
                                                 const std::string& spec) const;

 private:
  [[nodiscard]] const api::Schema& schema(api::Kind kind) const;
  api::Schema vm_, snapshot_;
};

// An object with this spec, as the API has it.
nlohmann::json object_of(const ObjectId& id, const std::string& spec);

}  // namespace chrysalis::runtime::directory
