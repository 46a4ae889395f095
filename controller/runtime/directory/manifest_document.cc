#include "controller/runtime/directory/manifest_document.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "controller/api/pattern.h"
#include "controller/api/rules.h"
#include "controller/api/structural.h"

namespace chrysalis::runtime::directory {
namespace {

using nlohmann::json;

constexpr size_t kLongestName = 253;

const std::string* text_at(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

Understood doubt(std::string said) { return {{}, std::move(said), true}; }

std::optional<api::Kind> kind_named(std::string_view name) {
  for (const api::Kind kind : api::kKinds)
    if (api::names_of(kind).kind == name) return kind;
  return std::nullopt;
}

std::string shown(const std::string& text) {
  return "\"" + text.substr(0, 80) + "\"";
}

// Not even a name that a status file could have.
std::optional<std::string> name_fault(const json& metadata) {
  const std::string* name = text_at(metadata, "name");
  if (name == nullptr || name->empty()) return "metadata.name: Required value";
  if (name->size() > kLongestName)
    return "metadata.name: Too long: may not be more than 63 bytes";
  if (metadata.contains("namespace") &&
      text_at(metadata, "namespace") == nullptr)
    return "metadata.namespace: must be a string";
  return std::nullopt;
}

std::optional<model::Fault> namespace_fault(const std::string& ns) {
  if (ns.size() <= api::kLabelMax &&
      api::matches(ns, std::string(api::kLabelPattern)))
    return std::nullopt;
  return model::Fault{"metadata.namespace",
                      "namespace " + shown(ns) +
                          ": must be a DNS label of at most 63 characters "
                          "(a-z, 0-9 and '-')"};
}

// Canonical: keys sorted, no spaces; what is no UTF-8 is replaced.
std::string canonical(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Rulebook::Rulebook()
    : vm_(api::object_schema(api::Kind::kVirtualMachine)),
      snapshot_(api::object_schema(api::Kind::kVmSnapshot)) {}

const api::Schema& Rulebook::schema(api::Kind kind) const {
  return kind == api::Kind::kVirtualMachine ? vm_ : snapshot_;
}

Understood Rulebook::read(json value, uint32_t line) const {
  const std::string* version = text_at(value, "apiVersion");
  const std::string* kind_name = text_at(value, "kind");
  if (version == nullptr || kind_name == nullptr)
    return doubt("apiVersion and kind: Required value");
  if (!version->starts_with(std::string(api::kGroup) + "/"))
    return {{},
            "skipped: " + shown(*kind_name) + " of " + shown(*version) +
                " is no kind of " + std::string(api::kApiVersion),
            false};
  const auto kind = kind_named(*kind_name);
  if (*version != api::kApiVersion || !kind)
    return doubt("no kind " + shown(*kind_name) + " in " + shown(*version) +
                 "; there are VirtualMachine and VMSnapshot in " +
                 std::string(api::kApiVersion));
  json& metadata = value["metadata"];
  if (const auto fault = name_fault(metadata)) return doubt(*fault);
  if (!metadata.contains("namespace")) metadata["namespace"] = "default";
  value.erase("status");  // ours to write

  Document document{
      {*kind, metadata["namespace"], metadata["name"]}, line, {}, {}, {}};
  if (document.id.ns.size() > kLongestName)
    return doubt("metadata.namespace: Too long: may not be more than 63 bytes");
  api::apply_defaults(schema(*kind), value);
  document.refused = api::check_structure(schema(*kind), value);
  if (document.refused.empty())
    document.refused = api::broken_rules(*kind, value, nullptr);
  if (auto fault = namespace_fault(document.id.ns))
    document.refused.push_back(std::move(*fault));
  document.spec = canonical(value["spec"]);
  return {std::move(document), {}, false};
}

json object_of(const ObjectId& id, const std::string& spec) {
  json object;
  object["apiVersion"] = std::string(api::kApiVersion);
  object["kind"] = std::string(api::names_of(id.kind).kind);
  object["metadata"] = {{"name", id.name}, {"namespace", id.ns}};
  json parsed = json::parse(spec, nullptr, false);
  object["spec"] = parsed.is_discarded() ? json(nullptr) : std::move(parsed);
  return object;
}

std::vector<model::Fault> Rulebook::change(const ObjectId& id,
                                           const std::string& accepted,
                                           const std::string& spec) const {
  const json before = object_of(id, accepted);
  return api::broken_rules(id.kind, object_of(id, spec), &before);
}

}  // namespace chrysalis::runtime::directory
