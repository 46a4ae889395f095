#include "controller/kube/client.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "src/base/log.h"

namespace chrysalis::kube {
namespace {

// Something between us and the server may send any number of texts.
constexpr size_t kWarningsMax = 256;

// "": nothing is wrong with it as the name of one object.
std::string_view fault_of(const ObjectName& name) {
  if (name.name.empty()) return "an object without a name";
  for (const std::string& part : {name.ns, name.name})
    if (part == "." || part == "..") return "a name that is a path";
  return "";
}

Result<> check(const ObjectName& name) {
  const std::string_view fault = fault_of(name);
  if (!fault.empty()) return fail(Code::kInvalid, std::string(fault));
  return {};
}

Result<> check(const ObjectVersion& of) {
  CHRYSALIS_TRY(check(of.name));
  if (of.resource_version.empty())
    return fail(Code::kInvalid, "no resourceVersion to write on top of");
  return {};
}

// A 429 was refused before it had any effect. Another 5xx may come after the
// effect: repeating a POST could create twice.
std::optional<milliseconds> retry_delay(const ApiStatus& status, Method method,
                                        milliseconds backoff) {
  if (status.code == 429)
    return status.retry_after ? *status.retry_after : backoff;
  if (status.code >= 500 && method != Method::kPost && status.retry_after)
    return *status.retry_after;
  return std::nullopt;
}

tl::unexpected<Error> refuse(const ApiStatus& status) {
  return fail(code_of(classify(status)), describe(status));
}

}  // namespace

bool wait_in_real_time(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

class Client::Warnings {
 public:
  void tell(const std::vector<std::string>& texts) {
    for (const std::string& text : texts)
      if (is_new(text)) log::warning("the API server warns", {{"text", text}});
  }

 private:
  bool is_new(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return told_.size() < kWarningsMax && told_.insert(text).second;
  }

  std::mutex mutex_;
  std::set<std::string> told_;
};

Client::Client(Transport& transport, const Clock& clock, std::stop_token stop,
               ClientOptions options)
    : transport_(transport),
      clock_(clock),
      stop_(std::move(stop)),
      options_(std::move(options)),
      warnings_(std::make_unique<Warnings>()) {}

Client::~Client() = default;

Result<Response> Client::call(const Request& request) {
  CHRYSALIS_ASSIGN(Response answer, ask(request));
  if (!answer.ok()) return refuse(status_of(answer));
  return answer;
}

Result<Response> Client::ask(const Request& request) {
  const Mono deadline = clock_.mono() + options_.call_timeout;
  milliseconds backoff = options_.retry_first;
  bool refreshed = false;
  for (uint32_t tries = 1;; ++tries) {
    CHRYSALIS_ASSIGN(Response answer,
                     transport_.send(request, deadline, stop_));
    warnings_->tell(answer.warnings);
    if (answer.ok()) return answer;
    if (tries >= options_.tries) return answer;
    const ApiStatus status = status_of(answer);
    if (status.code == 401 && !refreshed) {
      refreshed = true;
      transport_.refresh_credential();
      continue;
    }
    const auto delay = retry_delay(status, request.method, backoff);
    if (!delay || clock_.mono() + *delay >= deadline) return answer;
    if (!options_.wait(*delay, stop_))
      return fail(Code::kUnavailable, "stopped");
    backoff *= 2;
  }
}

Result<Object> Client::object_of(const Resource& resource,
                                 const Request& request) {
  CHRYSALIS_ASSIGN(const Response answer, call(request));
  Object out{{}, PaddedCopy(answer.body)};
  Decoder decoder(kind_name(resource));
  CHRYSALIS_ASSIGN(out.meta, decoder.object(out.json()));
  return out;
}

Result<Object> Client::get(const Resource& resource, const ObjectName& name) {
  CHRYSALIS_TRY(check(name));
  return object_of(resource, get_request(resource, name));
}

Result<ObjectList> Client::list(const Collection& collection) {
  for (uint32_t restarts = 0;; ++restarts) {
    bool expired = false;
    auto list = list_once(collection, expired);
    if (list || !expired || restarts >= options_.list_restarts) return list;
  }
}

// `expired`: a page came too late for its token; from the first page again.
Result<ObjectList> Client::list_once(const Collection& collection,
                                     bool& expired) {
  ObjectList out;
  Decoder decoder(kind_name(collection.resource));
  ListParams params{.limit = options_.page_objects};
  for (uint32_t pages = 0; pages < options_.pages_max; ++pages) {
    const auto answer = call(list_request(collection, params));
    if (!answer) {
      // The only conflict that a list can have is a version that is gone.
      expired = answer.error().code == Code::kConflict && pages > 0;
      return tl::unexpected<Error>(answer.error());
    }
    const PaddedCopy body(answer->body);
    CHRYSALIS_ASSIGN(const ListPage page,
                     decoder.page(body.json(), [&](ListItem&& item) {
                       out.items.push_back({std::move(item.meta),
                                            PaddedCopy(item.object.text()),
                                            std::move(item.fault)});
                     }));
    if (pages == 0) out.resource_version = page.resource_version;
    if (page.continue_token.empty()) return out;
    params.continue_token = page.continue_token;
  }
  return fail(Code::kCorrupt, "a list without an end");
}

Result<Object> Client::create(const Resource& resource, std::string_view ns,
                              const nlohmann::json& object) {
  return object_of(resource, create_request(resource, ns, object));
}

Result<Object> Client::apply_status(const Resource& resource,
                                    const ObjectVersion& of,
                                    const nlohmann::json& status) {
  CHRYSALIS_TRY(check(of));
  return object_of(resource, apply_status_request(resource, of, status));
}

Result<Object> Client::set_finalizers(
    const Resource& resource, const ObjectVersion& of,
    const std::vector<std::string>& finalizers) {
  CHRYSALIS_TRY(check(of));
  return object_of(resource, finalizers_request(resource, of, finalizers));
}

Result<> Client::remove(const Resource& resource, const ObjectName& name,
                        std::string_view uid) {
  CHRYSALIS_TRY(check(name));
  CHRYSALIS_TRY(call(delete_request(resource, name, uid)));
  return {};
}

Result<Lease> Client::get_lease(const ObjectName& name) {
  CHRYSALIS_TRY(check(name));
  CHRYSALIS_ASSIGN(const Response answer, call(get_request(kLeases, name)));
  return read_lease(answer.body);
}

Result<Lease> Client::create_lease(const Lease& lease) {
  CHRYSALIS_ASSIGN(
      const Response answer,
      call(create_request(kLeases, lease.ns, encode_lease(lease))));
  return read_lease(answer.body);
}

Result<Lease> Client::replace_lease(const Lease& lease) {
  const ObjectName name{lease.ns, lease.name};
  CHRYSALIS_TRY(check(ObjectVersion{name, lease.resource_version}));
  CHRYSALIS_ASSIGN(const Response answer,
                   call(replace_request(kLeases, name, encode_lease(lease))));
  return read_lease(answer.body);
}

Result<Response> Client::create_event(const Event& event) {
  return ask(create_request(kEvents, event_namespace(event.subject),
                            encode_event(event)));
}

Result<Response> Client::patch_event(const Event& event,
                                     const EventSeries& series) {
  const ObjectName name{event_namespace(event.subject), event.name};
  CHRYSALIS_TRY(check(name));
  return ask(merge_patch_request(kEvents, name, encode_series(series)));
}

ApiStatus status_of(const Response& refused) {
  ApiStatus status = decode_status(refused.status, refused.body);
  if (refused.retry_after) status.retry_after = refused.retry_after;
  return status;
}

std::string user_agent(std::string_view version, std::string_view part) {
#if defined(__x86_64__)
  constexpr std::string_view kPlatform = "linux/amd64";
#elif defined(__aarch64__)
  constexpr std::string_view kPlatform = "linux/arm64";
#else
  constexpr std::string_view kPlatform = "linux/other";
#endif
  std::string out = "chrysalis/";
  out.append(version).append(" (").append(kPlatform).append(") ");
  return out.append(part);
}

}  // namespace chrysalis::kube
