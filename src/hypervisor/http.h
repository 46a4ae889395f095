#pragma once

// One request to a VMM and its answer, as values. PURE.

#include <cstdint>
#include <string>
#include <string_view>

namespace chrysalis::hypervisor {

enum class Method : uint8_t { kGet, kPut, kPatch };
constexpr std::string_view to_string(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
  }
  return "";
}

struct HttpRequest {
  Method method = Method::kGet;
  std::string target;  // below 1 KiB: what the VMMs' server accepts
  std::string body;    // JSON; empty: none is sent (CH refuses one it did
                       // not expect)
  friend bool operator==(const HttpRequest&, const HttpRequest&) = default;
};

// What goes over the wire, for one exchange. Never chunked.
std::string wire_format(const HttpRequest& request);

struct HttpResponse {
  unsigned status = 0;
  std::string body;
  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

}  // namespace chrysalis::hypervisor
