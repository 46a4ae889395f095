#include "controller/kube/requests.h"

#include <nlohmann/json.hpp>

namespace chrysalis::kube {
namespace {

using nlohmann::json;

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::string encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (stands_for_itself(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

std::string collection_path(const Resource& resource, std::string_view ns) {
  std::string path =
      resource.group.empty() ? "/api" : "/apis/" + encoded(resource.group);
  path += "/" + encoded(resource.version);
  if (!ns.empty()) path += "/namespaces/" + encoded(ns);
  return path + "/" + encoded(resource.plural);
}

std::string object_path(const Resource& resource, const ObjectName& name) {
  return collection_path(resource, name.ns) + "/" + encoded(name.name);
}

// Appends "key=value" pairs behind a target.
class Query {
 public:
  explicit Query(std::string target) : target_(std::move(target)) {}
  Query& add(std::string_view key, std::string_view value) {
    target_ += first_ ? '?' : '&';
    first_ = false;
    target_.append(key) += '=';
    target_ += encoded(value);
    return *this;
  }
  Query& add_unless_empty(std::string_view key, std::string_view value) {
    return value.empty() ? *this : add(key, value);
  }
  std::string take() { return std::move(target_); }

 private:
  std::string target_;
  bool first_ = true;
};

Query query_of(const Collection& collection) {
  Query query(collection_path(collection.resource, collection.ns));
  query.add_unless_empty("fieldSelector", collection.field_selector);
  query.add_unless_empty("labelSelector", collection.label_selector);
  return query;
}

// Text that is no UTF-8 (a VMM's words, a file name) must not throw here.
std::string text_of(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Request with_body(Method method, std::string target, std::string content_type,
                  const json& body) {
  return {.method = method,
          .target = std::move(target),
          .content_type = std::move(content_type),
          .body = text_of(body)};
}

json metadata_of(const ObjectName& name) {
  json metadata = {{"name", name.name}};
  if (!name.ns.empty()) metadata["namespace"] = name.ns;
  return metadata;
}

}  // namespace

std::string api_version(const Resource& resource) {
  std::string out(resource.group);
  if (!out.empty()) out += '/';
  return out.append(resource.version);
}

KindName kind_name(const Resource& resource) {
  return {api_version(resource), std::string(resource.kind)};
}

Request get_request(const Resource& resource, const ObjectName& name) {
  return {.target = object_path(resource, name)};
}

// With `continue` the server has the version in the token and refuses another.
// NotOlderThan with a version lets it answer from its cache, whole; without
// one it reads the newest by quorum, in pages.
Request list_request(const Collection& collection, const ListParams& params) {
  Query query = query_of(collection);
  if (params.limit > 0) query.add("limit", std::to_string(params.limit));
  if (!params.continue_token.empty()) {
    query.add("continue", params.continue_token);
  } else if (!params.resource_version.empty()) {
    query.add("resourceVersion", params.resource_version);
    query.add("resourceVersionMatch", "NotOlderThan");
  }
  return {.target = query.take()};
}

Request watch_request(const Collection& collection, const WatchParams& params) {
  Query query = query_of(collection);
  query.add("watch", "true").add("allowWatchBookmarks", "true");
  query.add("timeoutSeconds", std::to_string(params.timeout.count()));
  query.add_unless_empty("resourceVersion", params.resource_version);
  // Never on a reconnect: it would deliver the world again.
  if (params.initial_events) {
    query.add("sendInitialEvents", "true");
    query.add("resourceVersionMatch", "NotOlderThan");
  }
  return {.target = query.take()};
}

Request create_request(const Resource& resource, std::string_view ns,
                       const json& object) {
  Query query(collection_path(resource, ns));
  query.add("fieldManager", kFieldManager);
  return with_body(Method::kPost, query.take(), "application/json", object);
}

Request replace_request(const Resource& resource, const ObjectName& name,
                        const json& object) {
  Query query(object_path(resource, name));
  query.add("fieldManager", kFieldManager);
  return with_body(Method::kPut, query.take(), "application/json", object);
}

Request delete_request(const Resource& resource, const ObjectName& name,
                       std::string_view uid) {
  json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!uid.empty()) options["preconditions"] = {{"uid", uid}};
  return with_body(Method::kDelete, object_path(resource, name),
                   "application/json", options);
}

// JSON is YAML, and the server has no content type for JSON applies before
// CBOR's; an apply that names a version is refused when the object moved on.
Request apply_status_request(const Resource& resource, const ObjectVersion& of,
                             const json& status) {
  json metadata = metadata_of(of.name);
  metadata["resourceVersion"] = of.resource_version;
  Query query(object_path(resource, of.name) + "/status");
  query.add("fieldManager", kFieldManager).add("force", "true");
  return with_body(Method::kPatch, query.take(), "application/apply-patch+yaml",
                   {{"apiVersion", api_version(resource)},
                    {"kind", resource.kind},
                    {"metadata", std::move(metadata)},
                    {"status", status}});
}

Request finalizers_request(const Resource& resource, const ObjectVersion& of,
                           const std::vector<std::string>& finalizers) {
  return merge_patch_request(resource, of.name,
                             {{"metadata",
                               {{"resourceVersion", of.resource_version},
                                {"finalizers", finalizers}}}});
}

Request merge_patch_request(const Resource& resource, const ObjectName& name,
                            const json& patch) {
  Query query(object_path(resource, name));
  query.add("fieldManager", kFieldManager);
  return with_body(Method::kPatch, query.take(), "application/merge-patch+json",
                   patch);
}

}  // namespace chrysalis::kube
