// An AdmissionReview, as anybody who reaches the endpoint may post it: every
// answer is one, or a refusal to give one.

#include <nlohmann/json.hpp>

#include "controller/admission/review/reviewer.h"
#include "tests/fuzz/target.h"

using namespace chrysalis;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const kube::PaddedCopy text(fuzz::text_of(data, size));
  admission::Reviewer reviewer;
  const admission::Reviewed answer = reviewer.review(text.json());
  if (answer.http_status != 200) {
    fuzz::expect(answer.http_status == 400 && !answer.body.empty());
    return 0;
  }
  const auto review = nlohmann::json::parse(answer.body, nullptr, false);
  const auto& response = review["response"];
  fuzz::expect(response["uid"].is_string() && response["allowed"].is_boolean());
  // Who is refused is told why.
  fuzz::expect(response["allowed"] || response["status"]["message"] != "");
  return 0;
}
