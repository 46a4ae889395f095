#pragma once

// Every request that this program sends to an API server: what is wanted ->
// target and body. PURE; nothing else writes a URL.
//
// REQUIRES: names and namespaces as the server knows them, not empty where
// one object is meant (client.h checks it: a DELETE of "" is one of all).
// All text is percent-encoded here; strings that are no UTF-8 are mended.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "controller/kube/decode.h"
#include "controller/kube/message.h"
#include "controller/kube/watch_step.h"

namespace chrysalis::kube {

// One type of the API. Constants: the views outlive everything.
struct Resource {
  std::string_view group;  // "" is the core group
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
};
inline constexpr Resource kNodes{"", "v1", "nodes", "Node"};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases",
                                  "Lease"};
inline constexpr Resource kEvents{"events.k8s.io", "v1", "events", "Event"};

[[nodiscard]] std::string api_version(const Resource& resource);  // "g/v"
[[nodiscard]] KindName kind_name(const Resource& resource);

// What a list or a watch is of.
struct Collection {
  Resource resource;
  std::string ns{};              // "": all namespaces, or none has one
  std::string field_selector{};  // "status.nodeName=n1"
  std::string label_selector{};
};

// One object; the version (and uid) that a write was computed from.
struct ObjectName {
  std::string ns{};  // "" of what has no namespace
  std::string name{};
};
struct ObjectVersion {
  ObjectName name;
  std::string resource_version;  // the write fails when it is another by now
};

// The one field manager of this program's server-side applies and creations.
inline constexpr std::string_view kFieldManager = "chrysalis";

[[nodiscard]] Request get_request(const Resource& resource,
                                  const ObjectName& name);
[[nodiscard]] Request list_request(const Collection& collection,
                                   const ListParams& params);
[[nodiscard]] Request watch_request(const Collection& collection,
                                    const WatchParams& params);

[[nodiscard]] Request create_request(const Resource& resource,
                                     std::string_view ns,
                                     const nlohmann::json& object);
// PUT: `object` names the version it replaces in its metadata.
[[nodiscard]] Request replace_request(const Resource& resource,
                                      const ObjectName& name,
                                      const nlohmann::json& object);
[[nodiscard]] Request delete_request(const Resource& resource,
                                     const ObjectName& name,
                                     std::string_view uid = "");

// Server-side apply of the whole status, forced: what an earlier apply said
// and this one does not is removed.
[[nodiscard]] Request apply_status_request(const Resource& resource,
                                           const ObjectVersion& of,
                                           const nlohmann::json& status);
// The whole list in place of the old; with the version, so that a finalizer
// that another has added meanwhile is not lost.
[[nodiscard]] Request finalizers_request(
    const Resource& resource, const ObjectVersion& of,
    const std::vector<std::string>& finalizers);
// RFC 7386; unconditional unless the patch names a version.
[[nodiscard]] Request merge_patch_request(const Resource& resource,
                                          const ObjectName& name,
                                          const nlohmann::json& patch);

}  // namespace chrysalis::kube
