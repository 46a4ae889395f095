#pragma once

// Bytes of an AdmissionReview to the bytes of its answer, with the status
// code that the HTTP answer has: 200 whenever the review can be answered by
// one; 400 and a plain sentence where it has no uid to answer to.
// PURE. Total on any bytes. Thread-safety: one thread (it reuses buffers).

#include <string>

#include "controller/admission/review/request.h"
#include "controller/kube/json_value.h"
#include "controller/kube/line_splitter.h"

namespace chrysalis::admission {

struct Reviewed {
  int http_status = 200;
  std::string content_type;
  std::string body;
};

class Reviewer {
 public:
  explicit Reviewer(ReviewLimits limits = {}) : limits_(limits) {}
  Reviewed review(kube::PaddedJson text);

 private:
  const ReviewLimits limits_;
  kube::JsonReader reader_;
};

}  // namespace chrysalis::admission
