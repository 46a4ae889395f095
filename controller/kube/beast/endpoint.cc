#include "controller/kube/beast/endpoint.h"

#include <algorithm>
#include <charconv>

namespace chrysalis::kube::beast {
namespace {

constexpr uint16_t kHttp = 80;
constexpr uint16_t kHttps = 443;

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && static_cast<unsigned char>(c) < 0x7f;
  });
}

}  // namespace

std::string Endpoint::authority() const {
  const std::string name =
      host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port == (tls ? kHttps : kHttp)) return name;
  return name + ":" + std::to_string(port);
}

Result<Endpoint> parse_endpoint(std::string_view url) {
  const auto wrong = [url](std::string_view why) {
    return fail(Code::kInvalid,
                "server " + std::string(url) + ": " + std::string(why));
  };
  Endpoint out;
  std::string_view rest = url;
  if (!printable(rest)) return wrong("not a URL");
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    out.tls = false;
  } else {
    return wrong("must begin with https:// or http://");
  }
  out.port = out.tls ? kHttps : kHttp;
  const auto slash = std::min(rest.find('/'), rest.size());
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.find_first_of("?#") != std::string_view::npos)
    return wrong("must not have a query");
  out.prefix = path;
  std::string_view authority = rest.substr(0, slash);
  if (authority.find_first_of("@?#") != std::string_view::npos)
    return wrong("must be a host and a port");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return wrong("the bracket stays open");
    out.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':'))
      return wrong("no port after the bracket");
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    out.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (out.host.empty()) return wrong("has no host");
  if (!port.empty()) {
    port.remove_prefix(1);
    const char* end = port.data() + port.size();
    const auto [at, error] = std::from_chars(port.data(), end, out.port);
    if (error != std::errc() || at != end || out.port == 0)
      return wrong("the port must be 1 to 65535");
  }
  return out;
}

}  // namespace chrysalis::kube::beast
