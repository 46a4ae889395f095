#pragma once

// The calls that this program makes of an API server, one request each:
// deadlines, the few retries that are safe, refusals as errors.
//
// Retries (at most `tries`, never past the deadline): a 429, after its
// Retry-After or a back-off; a 5xx that names a Retry-After, except of a
// POST, which may have been carried out; one 401, with the credential read
// anew. Nothing else: a caller that gets kUnavailable or kTimeout looks again.
// Warnings of the server are logged, each text once.
// Errors: message = the server's own words. kNotFound; kConflict - changed,
//   exists already, or expired; kInvalid - refused for good; kUnavailable,
//   kTimeout - of a write the effect is unknown; kCorrupt - the answer is no
//   object of the kind.
// Thread-safety: all calls from any thread.
// Ownership: borrows transport and clock; both outlive this. A stop of the
//   token ends every call with kUnavailable.

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/kube/event.h"
#include "controller/kube/lease.h"
#include "controller/kube/requests.h"
#include "controller/kube/transport.h"

namespace chrysalis::kube {

// An object as the server told it: its metadata, and its text to project.
struct Object {
  ObjectMeta meta;
  PaddedCopy text;
  std::string fault{};  // in a list: what makes this one undecodable
  [[nodiscard]] PaddedJson json() const { return text.json(); }
};

struct ObjectList {
  std::string resource_version;
  std::vector<Object> items;
};

// False when the stop came first.
using Wait = std::function<bool(milliseconds, const std::stop_token&)>;
bool wait_in_real_time(milliseconds time, const std::stop_token& stop);

struct ClientOptions {
  milliseconds call_timeout{30'000};  // of one call with all its retries
  uint32_t tries = 5;
  milliseconds retry_first{1'000};  // of a 429 without Retry-After; doubles
  uint32_t page_objects = 500;
  uint32_t pages_max = 10'000;
  uint32_t list_restarts = 3;  // a page that expired: from the first again
  Wait wait = wait_in_real_time;
};

class Client {
 public:
  Client(Transport& transport, const Clock& clock, std::stop_token stop = {},
         ClientOptions options = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // ---- any object
  Result<Object> get(const Resource& resource, const ObjectName& name);
  // All of it, page by page, held in memory: for small collections.
  Result<ObjectList> list(const Collection& collection);
  Result<Object> create(const Resource& resource, std::string_view ns,
                        const nlohmann::json& object);
  // kInvalid without a version.
  Result<Object> apply_status(const Resource& resource, const ObjectVersion& of,
                              const nlohmann::json& status);
  Result<Object> set_finalizers(const Resource& resource,
                                const ObjectVersion& of,
                                const std::vector<std::string>& finalizers);
  // With a uid: of exactly that one (else kConflict).
  Result<> remove(const Resource& resource, const ObjectName& name,
                  std::string_view uid = "");

  // ---- leases
  Result<Lease> get_lease(const ObjectName& name);
  Result<Lease> create_lease(const Lease& lease);
  Result<Lease> replace_lease(const Lease& lease);  // of its version

  // ---- events: what ask() says, as who tells them acts on each refusal
  Result<Response> create_event(const Event& event);
  Result<Response> patch_event(const Event& event, const EventSeries& series);

  // Any request of requests.h: a 2xx answer, or the error.
  Result<Response> call(const Request& request);
  // The same, with a refusal as the answer that it is; the error: there was
  // no answer.
  Result<Response> ask(const Request& request);

 private:
  class Warnings;
  Result<Object> object_of(const Resource& resource, const Request& request);
  Result<ObjectList> list_once(const Collection& collection, bool& expired);

  Transport& transport_;
  const Clock& clock_;
  const std::stop_token stop_;
  const ClientOptions options_;
  const std::unique_ptr<Warnings> warnings_;
};

// What a non-2xx answer says; its Retry-After header wins over the body's.
[[nodiscard]] ApiStatus status_of(const Response& refused);

// "chrysalis/0.1.0 (linux/amd64) agent", for the transport's options.
[[nodiscard]] std::string user_agent(std::string_view version,
                                     std::string_view part);

}  // namespace chrysalis::kube
