#include "tests/fakes/fake_vmm/http/request.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace chrysalis::fake_vmm {
namespace {

constexpr size_t kMaxLine = 1024;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return text;
}

std::string trim(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

bool RequestParser::fail(std::string why) {
  error_ = std::move(why);
  buffer_.clear();
  stage_ = Stage::kLine;
  request_ = {};
  content_length_ = 0;
  return false;
}

bool RequestParser::request_line(const std::string& line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string::npos || first == last) {
    return fail("Invalid HTTP Method: Unsupported HTTP method.");
  }
  request_.method = line.substr(0, first);
  std::string uri = line.substr(first + 1, last - first - 1);
  const std::string version = line.substr(last + 1);
  if (request_.method != "GET" && request_.method != "PUT" &&
      request_.method != "PATCH" && request_.method != "DELETE") {
    return fail("Invalid HTTP Method: Unsupported HTTP method.");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return fail("Invalid HTTP Version: Unsupported HTTP version.");
  }
  if (uri.empty()) return fail("Invalid URI: Empty URI not allowed.");
  if (uri.starts_with("http://")) {
    const auto slash = uri.find('/', 7);
    uri = slash == std::string::npos ? "" : uri.substr(slash);
  }
  request_.path = uri.starts_with('/') ? uri : "";
  stage_ = Stage::kHeaders;
  return true;
}

bool RequestParser::header(const std::string& line) {
  const auto colon = line.find(':');
  if (colon == std::string::npos) {
    return fail(
        "Invalid header. Reason: Header is incorrectly formatted. "
        "Key: " +
        line);
  }
  const std::string name = lower(trim(line.substr(0, colon)));
  const std::string value = trim(line.substr(colon + 1));
  if (name == "content-length") {
    size_t length = 0;
    const auto* end = value.data() + value.size();
    const auto [at, ec] = std::from_chars(value.data(), end, length);
    if (ec != std::errc() || at != end) {
      return fail(
          "Invalid header. Reason: Invalid value. Key:Content-Length; "
          "Value: " +
          value);
    }
    if (length > max_body_) {
      return fail("Request payload with size " + std::to_string(length) +
                  " is larger than the limit of " + std::to_string(max_body_) +
                  " allowed by server.");
    }
    content_length_ = length;
  } else if (name == "transfer-encoding") {
    return fail("Invalid request.");
  } else if (name == "expect" && lower(value) == "100-continue") {
    expect_continue_ = true;
  }
  return true;
}

bool RequestParser::step() {
  if (stage_ == Stage::kBody) {
    if (buffer_.size() < content_length_) return false;
    if (content_length_ > 0) request_.body = buffer_.substr(0, content_length_);
    buffer_.erase(0, content_length_);
    whole_ = true;
    return true;
  }
  const auto end = buffer_.find("\r\n");
  if (end == std::string::npos ? buffer_.size() >= kMaxLine : end > kMaxLine) {
    return fail(stage_ == Stage::kLine
                    ? "Invalid request."
                    : "Invalid header. Reason: Header is too long.");
  }
  if (end == std::string::npos) return false;
  const std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  if (stage_ == Stage::kLine) return request_line(line);
  if (!line.empty()) return header(line);
  stage_ = Stage::kBody;
  return true;
}

std::optional<HttpRequest> RequestParser::next() {
  while (!whole_) {
    if (!step()) return std::nullopt;
  }
  whole_ = false;
  stage_ = Stage::kLine;
  content_length_ = 0;
  expect_continue_ = false;
  return std::exchange(request_, {});
}

bool RequestParser::take_continue() {
  if (stage_ != Stage::kBody) return false;
  return std::exchange(expect_continue_, false);
}

}  // namespace chrysalis::fake_vmm
