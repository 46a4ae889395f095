#pragma once

// What a server answers at one path. Plain data.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace chrysalis::runtime {

struct HttpAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

// POST to one path, a body of one type.
struct HttpRoute {
  std::string path;          // "/review"
  std::string content_type;  // "application/json"
  size_t max_body = 0;
  // From the server's thread; the body is its to change. What it throws is
  // answered by 500.
  std::function<HttpAnswer(std::string& body)> answer;
};
using HttpRoutes = std::vector<HttpRoute>;

}  // namespace chrysalis::runtime
