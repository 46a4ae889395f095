#include "src/hypervisor/http.h"

namespace chrysalis::hypervisor {

std::string wire_format(const HttpRequest& request) {
  std::string text;
  text.reserve(256 + request.body.size());
  text += to_string(request.method);
  text += ' ';
  text += request.target;
  text += " HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n";
  if (!request.body.empty()) {
    text += "Content-Type: application/json\r\nContent-Length: ";
    text += std::to_string(request.body.size());
    text += "\r\n";
  }
  text += "\r\n";
  text += request.body;
  return text;
}

}  // namespace chrysalis::hypervisor
