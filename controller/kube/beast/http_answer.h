#pragma once

// Included by connection.cc only: what Beast's heads and error codes mean in
// the words of transport.h. No effects.

#include <string>

#include <boost/beast/http/message.hpp>
#include <boost/system/error_code.hpp>

#include "controller/kube/transport.h"

namespace chrysalis::kube::beast {

// Status and the headers that a Response has; no body.
Response head_of(const boost::beast::http::response_header<>& head);

// `doing` is "connect", "read", ...
Error error_of(const boost::system::error_code& error,
               const std::string& doing);

boost::beast::http::verb verb_of(Method method);

}  // namespace chrysalis::kube::beast
