#include "controller/admission/verdict.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/pattern.h"
#include "controller/api/rules.h"
#include "controller/api/structural.h"

namespace chrysalis::admission {
namespace {

using api::Broken;
using api::Kind;
using nlohmann::json;

constexpr size_t kShown = 80;  // bytes of foreign text in a message

std::string shown(const std::string& text) {
  return "\"" + text.substr(0, kShown) + "\"";
}

const std::string* text_at(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const Kind kind : api::kKinds)
    if (api::names_of(kind).kind == name) return kind;
  return std::nullopt;
}

Verdict refusal(std::string rule, std::string path, std::string message,
                std::string remedy = {}, Cause cause = Cause::kInvalid) {
  return {std::move(rule),
          Severity::kRefused,
          {std::move(path), std::move(message)},
          std::move(remedy),
          cause};
}

Verdict required(std::string rule, std::string path, std::string remedy) {
  return refusal(std::move(rule), std::move(path), "Required value",
                 std::move(remedy), Cause::kRequired);
}

Cause cause_of(api::RuleReason reason) {
  return reason == api::RuleReason::kForbidden ? Cause::kForbidden
                                               : Cause::kInvalid;
}

Cause cause_of(Broken broken) {
  switch (broken) {
    case Broken::kType:
      return Cause::kType;
    case Broken::kRequired:
      return Cause::kRequired;
    case Broken::kTooLong:
      return Cause::kTooLong;
    case Broken::kEnum:
      return Cause::kNotSupported;
    case Broken::kUnknownField:
    case Broken::kTooShort:
    case Broken::kPattern:
    case Broken::kBounds:
      return Cause::kInvalid;
  }
  return Cause::kInvalid;
}

const api::Schema& schema_of(Kind kind) {
  static const api::Schema vm = api::object_schema(Kind::kVirtualMachine);
  static const api::Schema snapshot = api::object_schema(Kind::kVmSnapshot);
  return kind == Kind::kVirtualMachine ? vm : snapshot;
}

// "kubectl explain virtualmachine.spec.resources": where the names stand.
std::string explain(Kind kind, const std::string& path) {
  std::string parent(api::names_of(kind).singular);
  const auto dot = path.rfind('.');
  if (dot != std::string::npos) parent += "." + path.substr(0, dot);
  return "`kubectl explain " + parent + "` lists the fields";
}

std::string remedy_of(Kind kind, const api::StructuralFault& found) {
  switch (found.broken) {
    case Broken::kUnknownField:
      return "remove it, or correct its name: " +
             explain(kind, found.fault.path);
    case Broken::kRequired:
      return "add it: " + explain(kind, found.fault.path);
    default:
      return {};
  }
}

void judge_metadata(const json& object, std::vector<Verdict>& out) {
  static const json none = json::object();
  const auto found =
      object.is_object() ? object.find("metadata") : object.end();
  const json& metadata =
      object.is_object() && found != object.end() ? *found : none;
  if (!metadata.is_object()) return;  // the schema says so
  for (const char* key : {"name", "namespace"})
    if (metadata.contains(key) && text_at(metadata, key) == nullptr)
      out.push_back(refusal("object-metadata", std::string("metadata.") + key,
                            "must be a string", "quote it"));
  const std::string* name = text_at(metadata, "name");
  if (!metadata.contains("name") || (name != nullptr && name->empty()))
    out.push_back(
        required("object-name", "metadata.name", "add metadata.name"));
  const std::string* ns = text_at(metadata, "namespace");
  if (ns != nullptr && (ns->size() > api::kLabelMax ||
                        !api::matches(*ns, std::string(api::kLabelPattern))))
    out.push_back(refusal("object-namespace", "metadata.namespace",
                          "namespace " + shown(*ns) +
                              ": must be a DNS label of at most 63 characters "
                              "(a-z, 0-9 and '-')"));
}

void add_hint(std::vector<Verdict>& out, std::string rule, std::string path,
              std::string message) {
  out.push_back({std::move(rule),
                 Severity::kWarning,
                 {std::move(path), std::move(message)},
                 {}});
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kRefused:
      return "refused";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::kInvalid:
      return "FieldValueInvalid";
    case Cause::kForbidden:
      return "FieldValueForbidden";
    case Cause::kRequired:
      return "FieldValueRequired";
    case Cause::kType:
      return "FieldValueTypeInvalid";
    case Cause::kNotSupported:
      return "FieldValueNotSupported";
    case Cause::kTooLong:
      return "FieldValueTooLong";
  }
  return "";
}

bool Judged::refused() const {
  return std::ranges::any_of(verdicts, [](const Verdict& one) {
    return one.severity == Severity::kRefused;
  });
}

std::vector<Verdict> judge(Kind kind, const json& written, const json* old) {
  std::vector<Verdict> out;
  json object = written;
  api::apply_defaults(schema_of(kind), object);
  judge_metadata(object, out);
  for (api::StructuralFault& one :
       api::find_structural(schema_of(kind), object)) {
    std::string remedy = remedy_of(kind, one);
    out.push_back(refusal("structure-" + std::string(to_string(one.broken)),
                          std::move(one.fault.path),
                          std::move(one.fault.message), std::move(remedy),
                          cause_of(one.broken)));
  }
  if (!out.empty()) return out;
  json before;
  if (old != nullptr) {
    before = *old;
    api::apply_defaults(schema_of(kind), before);
    old = &before;
  }
  for (api::BrokenRule& one : api::find_broken(kind, object, old))
    out.push_back(refusal(one.rule->id, std::move(one.fault.path),
                          std::move(one.fault.message), {},
                          cause_of(one.rule->reason)));
  if (out.empty()) out = warnings(kind, object, old);
  return out;
}

Frame frame_of(const json& object) {
  if (!object.is_object())
    return {{}, refusal("object-type", "", "must be an object")};
  const std::string* version = text_at(object, "apiVersion");
  const std::string* kind_name = text_at(object, "kind");
  if (version == nullptr)
    return {{},
            required("object-kind", "apiVersion",
                     "add apiVersion: " + std::string(api::kApiVersion))};
  if (kind_name == nullptr)
    return {{},
            required("object-kind", "kind",
                     "add kind: VirtualMachine or VMSnapshot")};
  if (!version->starts_with(std::string(api::kGroup) + "/"))
    return {{},
            {"object-foreign",
             Severity::kNote,
             {"kind", shown(*kind_name) + " of " + shown(*version) +
                          ": not of " + std::string(api::kGroup) + ", skipped"},
             {}}};
  const auto kind = kind_named(*kind_name);
  if (*version != api::kApiVersion || !kind)
    return {{},
            refusal("object-kind", "kind",
                    "no kind " + shown(*kind_name) + " in " + shown(*version),
                    "there are VirtualMachine and VMSnapshot in " +
                        std::string(api::kApiVersion))};
  return {kind, {}};
}

Judged judge(const json& object, const json* old) {
  Frame frame = frame_of(object);
  if (!frame.kind) return {{}, {std::move(frame.said)}};
  return {frame.kind, judge(*frame.kind, object, old)};
}

std::vector<model::Fault> refusals(std::vector<Verdict> verdicts) {
  std::vector<model::Fault> out;
  for (Verdict& one : verdicts)
    if (one.severity == Severity::kRefused) out.push_back(std::move(one.fault));
  return out;
}

std::vector<Verdict> warnings(Kind kind, const json& object, const json* old) {
  std::vector<Verdict> out;
  if (kind != Kind::kVirtualMachine) return out;
  const auto spec = object.find("spec");
  if (spec == object.end()) return out;
  if (old == nullptr && spec->contains("restore"))
    add_hint(out, "hint-restore", "spec.restore",
             "a request, done once: take it out again once it is done. A VM "
             "that has never run does not start while it is set");
  const auto grace = spec->find("stopGracePeriodSeconds");
  if (grace != spec->end() && *grace == 0)
    add_hint(out, "hint-no-grace", "spec.stopGracePeriodSeconds",
             "0: the guest is ended without being asked to power off");
  return out;
}

}  // namespace chrysalis::admission
