#pragma once

// What the schema and the rules say of one object by itself: the one list that
// `chrysalis check`, the review handler and the agent's guard share.
//
// A verdict's rule is a stable id: "structure-<what>" of the schema
// (structural.h), the id of a rule (rules.h), "object-<what>" of the frame
// (apiVersion, kind, metadata), "hint-<what>" of a warning.
// As in the server, the rules are tried on what fits the schema.
// PURE. Total on any JSON value. Thread-safety: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/api/names.h"
#include "src/model/law.h"

namespace chrysalis::admission {

enum class Severity : uint8_t { kRefused, kWarning, kNote };
std::string_view to_string(Severity severity);  // "refused"

// What the API server would call it: the reason of a cause in its Status.
enum class Cause : uint8_t {
  kInvalid,
  kForbidden,
  kRequired,
  kType,
  kNotSupported,
  kTooLong,
};
std::string_view to_string(Cause cause);  // "FieldValueForbidden"

struct Verdict {
  std::string rule;
  Severity severity = Severity::kRefused;
  model::Fault fault;
  std::string remedy;  // "": the message has it, or the server's words do
  Cause cause = Cause::kInvalid;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

struct Judged {
  std::optional<api::Kind> kind;  // nothing: not one of ours
  std::vector<Verdict> verdicts;

  [[nodiscard]] bool refused() const;
};

// Whose an object is, by its apiVersion and kind.
struct Frame {
  std::optional<api::Kind> kind;  // ours; else
  Verdict said;  // refused, or of another group than ours: a note
};
Frame frame_of(const nlohmann::json& object);

// An object as it was written, `old` for an update (as it is stored).
// Of another group than ours: a note that it was skipped.
Judged judge(const nlohmann::json& object, const nlohmann::json* old = nullptr);

// The same of a kind that is known.
std::vector<Verdict> judge(api::Kind kind, const nlohmann::json& object,
                           const nlohmann::json* old = nullptr);

// The faults of those that refuse.
std::vector<model::Fault> refusals(std::vector<Verdict> verdicts);

// What is allowed and often not meant. REQUIRES: nothing was refused.
std::vector<Verdict> warnings(api::Kind kind, const nlohmann::json& object,
                              const nlohmann::json* old);

}  // namespace chrysalis::admission
