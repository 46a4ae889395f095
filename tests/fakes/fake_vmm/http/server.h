#pragma once

// The HTTP server of both VMMs as a client sees it: at most ten connections
// (the eleventh is told 503 and closed), requests served strictly one after
// the other in the calling thread, a hang-up or half-close drops what was not
// answered yet but never what is being done.
// Thread-safety: none; one thread polls and serves.

#include <poll.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "tests/fakes/fake_vmm/http/request.h"

namespace chrysalis::fake_vmm {

struct HttpReply {
  int status = 204;
  std::optional<std::string> body;
  bool drop = false;  // a fault: close instead of answering
};

class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpRequest&)>;

  // `listener` is bound and listening; `name` goes into the Server header.
  HttpServer(UniqueFd listener, std::string name, size_t max_body);

  void add_to(std::vector<pollfd>& fds) const;
  // Serves whatever is ready; `handle` may block, everything waits for it.
  void serve(const std::vector<pollfd>& fds, const Handler& handle);
  // Pushes out what is queued; for the end of the process.
  void flush();

 private:
  struct Connection {
    UniqueFd fd;
    RequestParser parser;
    std::string out;
  };

  void accept_one();
  void read(Connection& connection, const Handler& handle, bool& gone);
  [[nodiscard]] std::string encode(const HttpReply& reply) const;
  static bool write(Connection& connection);

  UniqueFd listener_;
  std::string name_;
  size_t max_body_;
  std::map<int, Connection> connections_;
};

}  // namespace chrysalis::fake_vmm
