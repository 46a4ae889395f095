#include "controller/runtime/directory/manifest_document.h"

#include <string_view>
#include <utility>

#include "controller/admission/verdict.h"
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

// "path: message; what to do"
std::string sentence(const admission::Verdict& said) {
  const auto& [path, message] = said.fault;
  return (path.empty() ? "" : path + ": ") + message +
         (said.remedy.empty() ? "" : "; " + said.remedy);
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
  const admission::Frame frame = admission::frame_of(value);
  if (!frame.kind) {
    const bool refused = frame.said.severity == admission::Severity::kRefused;
    return {{}, sentence(frame.said), refused};
  }
  const api::Kind kind = *frame.kind;
  json& metadata = value["metadata"];
  if (const auto fault = name_fault(metadata)) return doubt(*fault);
  if (!metadata.contains("namespace")) metadata["namespace"] = "default";
  value.erase("status");  // ours to write

  Document document{
      {kind, metadata["namespace"], metadata["name"]}, line, {}, {}, {}};
  if (document.id.ns.size() > kLongestName)
    return doubt("metadata.namespace: Too long: may not be more than 63 bytes");
  document.refused =
      admission::refusals(admission::judge(kind, value, nullptr));
  api::apply_defaults(schema(kind), value);
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
  return admission::refusals(
      admission::judge(id.kind, object_of(id, spec), &before));
}

}  // namespace chrysalis::runtime::directory
