#pragma once

// One HTTP request to an API server and its answer, as values. PURE.

#include <optional>
#include <string>
#include <vector>

#include "src/base/clock.h"

namespace chrysalis::kube {

enum class Method { kGet, kPost, kPut, kPatch, kDelete };

struct Request {
  Method method = Method::kGet;
  std::string target{};        // "/api/v1/nodes?limit=500", percent-encoded
  std::string content_type{};  // "" without a body
  std::string body{};
  std::string accept = "application/json";
};

struct Response {
  int status = 0;
  std::string content_type;
  std::string body;
  std::optional<seconds> retry_after;
  std::vector<std::string> warnings;  // text of each `Warning: 299`
  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

}  // namespace chrysalis::kube
