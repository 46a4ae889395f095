#pragma once

// An AdmissionReview of admission.k8s.io/v1 as an API server posts it, by
// projection: what the rules look at is kept (metadata's names and spec of
// object and oldObject), the rest (status, managedFields, userInfo, options)
// is walked over and never built.
// PURE. Total on any bytes. Bounds: bytes, and depth and values of what is
// kept; a key that stands twice has two readings and is refused.
// Thread-safety: that of the reader.

#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "controller/kube/json_value.h"
#include "controller/kube/line_splitter.h"

namespace chrysalis::admission {

// What an API server sends at most, both objects and the frame.
inline constexpr size_t kMaxReviewBytes = size_t{3} << 20;

struct ReviewLimits {
  size_t bytes = kMaxReviewBytes;
  size_t depth = 64;  // below spec
  size_t values = 100'000;
};

enum class Operation : uint8_t { kCreate, kUpdate, kDelete, kConnect };

struct ReviewRequest {
  std::string uid;
  std::string group, version, kind;
  std::string subresource;  // "status"; "": the object itself
  std::string name;         // "" where the server has yet to make one
  Operation operation = Operation::kCreate;
  nlohmann::json object, old;  // null: none was sent
};

struct ReadReview {
  ReviewRequest request;  // with a fault: as far as it was read
  std::string fault;      // "": it was read whole
};

ReadReview read_review(kube::JsonReader& reader, kube::PaddedJson text,
                       const ReviewLimits& limits = {});

}  // namespace chrysalis::admission
