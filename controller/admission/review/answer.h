#pragma once

// What a review is answered: the verdicts as the API server would have said
// them itself, so that a user reads the same text whichever gate spoke.
//
//   allowed   DELETE and CONNECT, any subresource, other groups (a warning:
//             the registration is too wide), an update whose spec stays as it
//             is (what it breaks becomes warnings, as in the server)
//   422       Invalid: a rule is broken; a cause each, with its field
//   400       BadRequest: the review itself, or a kind of our group that this
//             version does not know
// PURE. Total. Thread-safety: pure functions.

#include <string>
#include <vector>

#include "controller/admission/review/request.h"
#include "controller/admission/verdict.h"

namespace chrysalis::admission {

struct ReviewAnswer {
  std::string uid;
  bool allowed = true;
  int code = 200;
  std::string reason;      // "Invalid", "BadRequest"
  std::string message;     // what stands behind "denied the request: "
  std::string name, kind;  // of the object refused
  std::vector<Verdict> causes;
  std::vector<std::string> warnings;
};

ReviewAnswer judge_review(const ReviewRequest& request);
ReviewAnswer bad_review(std::string uid, const std::string& why);

// "Forbidden: cpu 2: ...": a cause as the server words it, without its field.
std::string server_words(const Verdict& verdict);

// The AdmissionReview as JSON.
std::string to_json(const ReviewAnswer& answer);

}  // namespace chrysalis::admission
