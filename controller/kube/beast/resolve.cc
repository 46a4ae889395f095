#include "controller/kube/beast/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace chrysalis::kube::beast {
namespace {

struct Lookup {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool done = false;
  int error = 0;
  std::vector<std::string> ips;
};

void look_up(const std::shared_ptr<Lookup>& lookup, const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  std::vector<std::string> ips;
  for (const addrinfo* a = error == 0 ? found : nullptr; a != nullptr;
       a = a->ai_next) {
    char ip[NI_MAXHOST];
    if (getnameinfo(a->ai_addr, a->ai_addrlen, ip, sizeof ip, nullptr, 0,
                    NI_NUMERICHOST) == 0)
      ips.emplace_back(ip);
  }
  if (error == 0) freeaddrinfo(found);
  const std::lock_guard lock(lookup->mutex);
  lookup->done = true;
  lookup->error = error;
  lookup->ips = std::move(ips);
  lookup->changed.notify_all();
}

}  // namespace

bool is_ip_literal(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<std::vector<Address>> resolve(const std::string& host, uint16_t port,
                                     Mono deadline,
                                     const std::stop_token& stop) {
  if (is_ip_literal(host)) return std::vector<Address>{{host, port}};
  const auto lookup = std::make_shared<Lookup>();
  std::thread([lookup, host] { look_up(lookup, host); }).detach();
  std::unique_lock lock(lookup->mutex);
  lookup->changed.wait_until(lock, stop, deadline,
                             [&lookup] { return lookup->done; });
  if (!lookup->done)
    return stop.stop_requested()
               ? fail(Code::kUnavailable, "stopped")
               : fail(Code::kTimeout, "no answer about the name " + host);
  if (lookup->error != 0 || lookup->ips.empty())
    return fail(Code::kUnavailable, host + ": " + gai_strerror(lookup->error));
  std::vector<Address> out;
  out.reserve(lookup->ips.size());
  for (std::string& ip : lookup->ips) out.push_back({std::move(ip), port});
  return out;
}

}  // namespace chrysalis::kube::beast
