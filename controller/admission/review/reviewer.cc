#include "controller/admission/review/reviewer.h"

#include "controller/admission/review/answer.h"

namespace chrysalis::admission {

Reviewed Reviewer::review(kube::PaddedJson text) {
  const ReadReview read = read_review(reader_, text, limits_);
  if (read.fault.empty())
    return {200, "application/json", to_json(judge_review(read.request))};
  if (read.request.uid.empty())
    return {400, "text/plain; charset=utf-8",
            "AdmissionReview: " + read.fault + "\n"};
  return {200, "application/json",
          to_json(bad_review(read.request.uid, read.fault))};
}

}  // namespace chrysalis::admission
