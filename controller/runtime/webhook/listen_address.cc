#include "controller/runtime/webhook/listen_address.h"

#include <charconv>

namespace chrysalis::runtime {
namespace {

tl::unexpected<Error> wrong(std::string_view text, const char* what) {
  return fail(Code::kInvalid, std::string(text) + ": " + what +
                                  "; expected HOST:PORT, as in 0.0.0.0:9443, "
                                  "[::1]:9443 or :9443");
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong(text, "no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2)
    host = host.substr(1, host.size() - 2);
  else if (host.find_first_of("[]:") != std::string_view::npos)
    return wrong(text, "an IPv6 address stands in brackets");
  ListenAddress out{std::string(host), 0};
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, out.port);
  if (port.empty() || error != std::errc{} || stop != end)
    return wrong(text, "its port is no number up to 65535");
  return out;
}

}  // namespace chrysalis::runtime
