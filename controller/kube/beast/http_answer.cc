#include "controller/kube/beast/http_answer.h"

#include <utility>

#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

#include "controller/kube/header_text.h"

namespace chrysalis::kube::beast {
namespace {

namespace http = boost::beast::http;

Code code_of(const boost::system::error_code& error) {
  if (error == http::error::body_limit || error == http::error::header_limit ||
      error == http::error::buffer_overflow)
    return Code::kCorrupt;
  if (error == http::error::end_of_stream ||
      error == http::error::partial_message)
    return Code::kUnavailable;
  const auto http_error = make_error_code(http::error::end_of_stream);
  if (error.category() == http_error.category() ||
      error.category() == boost::asio::error::get_ssl_category())
    return Code::kInvalid;
  return Code::kUnavailable;
}

}  // namespace

Response head_of(const http::response_header<>& head) {
  Response out;
  out.status = static_cast<int>(head.result_int());
  const auto type = head[http::field::content_type];
  out.content_type.assign(type.data(), type.size());
  const auto after = head[http::field::retry_after];
  out.retry_after = retry_after({after.data(), after.size()});
  const auto [first, last] = head.equal_range(http::field::warning);
  for (auto it = first; it != last; ++it) {
    const auto value = it->value();
    for (std::string& text : warning_texts({value.data(), value.size()}))
      out.warnings.push_back(std::move(text));
  }
  return out;
}

Error error_of(const boost::system::error_code& error,
               const std::string& doing) {
  return {code_of(error), doing + ": " + error.message()};
}

http::verb verb_of(Method method) {
  switch (method) {
    case Method::kGet:
      return http::verb::get;
    case Method::kPost:
      return http::verb::post;
    case Method::kPut:
      return http::verb::put;
    case Method::kPatch:
      return http::verb::patch;
    case Method::kDelete:
      return http::verb::delete_;
  }
  return http::verb::get;
}

}  // namespace chrysalis::kube::beast
