#include "controller/kube/lease.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "controller/kube/requests.h"
#include "src/base/bounded_json.h"

namespace chrysalis::kube {
namespace {

using nlohmann::json;

constexpr JsonLimits kLimits{.bytes = size_t{2} << 20, .depth = 32};

// Members of one JSON object, by name; absent and null are the default.
class Members {
 public:
  Members(const json& object, std::string path)
      : object_(object), path_(std::move(path)) {}

  Result<std::string> text(const char* name) const {
    const json* found = find(name);
    if (found == nullptr) return std::string();
    if (const auto* value = found->get_ptr<const std::string*>()) return *value;
    return wrong(name, "a string");
  }
  Result<int32_t> number(const char* name) const {
    const json* found = find(name);
    if (found == nullptr) return 0;
    const auto* value = found->get_ptr<const json::number_integer_t*>();
    if (value == nullptr || !std::in_range<int32_t>(*value))
      return wrong(name, "a whole number of 32 bits");
    return static_cast<int32_t>(*value);
  }
  Result<std::optional<Wall>> instant(const char* name) const {
    CHRYSALIS_ASSIGN(const std::string value, text(name));
    if (value.empty()) return std::optional<Wall>();
    const auto parsed = parse_rfc3339(value);
    if (!parsed) return wrong(name, "a time");
    return parsed;
  }
  Result<std::map<std::string, std::string>> texts(const char* name) const {
    std::map<std::string, std::string> out;
    const json* found = find(name);
    if (found == nullptr) return out;
    if (!found->is_object()) return wrong(name, "an object");
    const Members inner(*found, path_ + name + ".");
    for (const auto& [key, unused] : found->items()) {
      CHRYSALIS_ASSIGN(out[key], inner.text(key.c_str()));
    }
    return out;
  }
  Result<Members> object(const char* name) const {
    static const json empty = json::object();
    const json* found = find(name);
    if (found == nullptr) return Members(empty, path_ + name + ".");
    if (!found->is_object()) return wrong(name, "an object");
    return Members(*found, path_ + name + ".");
  }

 private:
  const json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  tl::unexpected<Error> wrong(const char* name, const char* what) const {
    return fail(Code::kInvalid, path_ + name + ": not " + what);
  }

  const json& object_;
  std::string path_;
};

}  // namespace

json encode_lease(const Lease& lease) {
  json metadata = {{"name", lease.name}, {"namespace", lease.ns}};
  if (!lease.resource_version.empty())
    metadata["resourceVersion"] = lease.resource_version;
  if (!lease.annotations.empty()) metadata["annotations"] = lease.annotations;
  // The server refuses an empty holder and a duration of 0, not their absence.
  json spec = {{"leaseTransitions", lease.transitions}};
  if (!lease.holder.empty()) spec["holderIdentity"] = lease.holder;
  if (lease.duration_seconds != 0)
    spec["leaseDurationSeconds"] = lease.duration_seconds;
  if (lease.acquire_time)
    spec["acquireTime"] = to_rfc3339_micro(*lease.acquire_time);
  if (lease.renew_time) spec["renewTime"] = to_rfc3339_micro(*lease.renew_time);
  return {{"apiVersion", api_version(kLeases)},
          {"kind", kLeases.kind},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

Result<Lease> decode_lease(const json& object) {
  if (!object.is_object()) return fail(Code::kInvalid, "not an object");
  const Members top(object, "");
  CHRYSALIS_ASSIGN(const Members metadata, top.object("metadata"));
  CHRYSALIS_ASSIGN(const Members spec, top.object("spec"));
  Lease out;
  CHRYSALIS_ASSIGN(out.ns, metadata.text("namespace"));
  CHRYSALIS_ASSIGN(out.name, metadata.text("name"));
  CHRYSALIS_ASSIGN(out.resource_version, metadata.text("resourceVersion"));
  CHRYSALIS_ASSIGN(out.annotations, metadata.texts("annotations"));
  CHRYSALIS_ASSIGN(out.holder, spec.text("holderIdentity"));
  CHRYSALIS_ASSIGN(out.duration_seconds, spec.number("leaseDurationSeconds"));
  CHRYSALIS_ASSIGN(out.transitions, spec.number("leaseTransitions"));
  CHRYSALIS_ASSIGN(out.acquire_time, spec.instant("acquireTime"));
  CHRYSALIS_ASSIGN(out.renew_time, spec.instant("renewTime"));
  return out;
}

Result<Lease> read_lease(std::string_view text) {
  CHRYSALIS_ASSIGN(const json object, parse_json(text, kLimits));
  return decode_lease(object);
}

}  // namespace chrysalis::kube
