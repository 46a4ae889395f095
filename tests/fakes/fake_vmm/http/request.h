#pragma once

// The request parser of both VMMs' HTTP server (micro_http): a request line
// and headers of at most 1024 bytes each, Content-Length only, no chunked
// bodies. Pure: bytes in, requests or one error out.

#include <cstddef>
#include <optional>
#include <string>

namespace chrysalis::fake_vmm {

struct HttpRequest {
  std::string method;  // GET, PUT, PATCH or DELETE
  std::string path;
  std::optional<std::string> body;  // absent too when Content-Length is 0
};

class RequestParser {
 public:
  explicit RequestParser(size_t max_body) : max_body_(max_body) {}

  void append(const char* data, size_t size) { buffer_.append(data, size); }

  // The next whole request, if there is one. On a malformed one, error() says
  // why and everything received so far is forgotten.
  std::optional<HttpRequest> next();
  [[nodiscard]] const std::string& error() const { return error_; }
  void clear_error() { error_.clear(); }
  // True once when the client asked for "100 Continue".
  bool take_continue();

 private:
  enum class Stage { kLine, kHeaders, kBody };

  bool step();
  bool fail(std::string why);
  bool request_line(const std::string& line);
  bool header(const std::string& line);

  size_t max_body_;
  std::string buffer_;
  std::string error_;
  Stage stage_ = Stage::kLine;
  HttpRequest request_;
  size_t content_length_ = 0;
  bool expect_continue_ = false;
  bool whole_ = false;
};

}  // namespace chrysalis::fake_vmm
