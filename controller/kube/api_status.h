#pragma once

// What an API server says when it refuses: a metav1.Status, as the body of a
// non-2xx answer or as the object of an ERROR watch event.
// PURE: values and questions about them; decode.h reads one from JSON.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/clock.h"
#include "src/base/result.h"

namespace chrysalis::kube {

struct StatusCause {
  std::string reason;  // "FieldManagerConflict", "FieldValueForbidden", ...
  std::string field;   // "spec.resources.cpu"
  std::string message;
  friend bool operator==(const StatusCause&, const StatusCause&) = default;
};

struct ApiStatus {
  int code = 0;        // the HTTP status
  std::string reason;  // "Conflict", "AlreadyExists", "Expired", ...; may be ""
  std::string message;
  std::vector<StatusCause> causes;
  std::optional<seconds> retry_after;  // header Retry-After or details
};

// One value for each thing that some caller does differently.
enum class Refusal {
  kUnauthorized,          // 401: refresh the credential, once
  kForbidden,             // 403: RBAC; a human must act, or an install goes on
  kNotFound,              // 404
  kConflict,              // 409: the object changed; read it again
  kAlreadyExists,         // 409: somebody created it before us
  kFieldManagerConflict,  // 409: another manager owns a field (apply)
  kExpired,               // 410: resourceVersion or continue token too old
  kInvalid,               // 400, 405, 415, 422: our request is wrong
  kTooLarge,              // 413: the object is too large
  kTooManyRequests,       // 429: wait `retry_after`
  kVersionTooLarge,       // 504: resourceVersion newer than the server
  kServer,                // 5xx: try again later
  kRedirect,              // 3xx: never followed
  kOther,
};

[[nodiscard]] Refusal classify(const ApiStatus& status);

// The code of base/result.h by which callers that know no HTTP decide.
[[nodiscard]] Code code_of(Refusal refusal);

// "409 Conflict: the object has been modified; spec.x: must be ..."
[[nodiscard]] std::string describe(const ApiStatus& status);

}  // namespace chrysalis::kube
