#include "controller/admission/check.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "controller/api/rule_expr.h"
#include "controller/api/yaml_reader.h"

namespace chrysalis::admission {
namespace {

using nlohmann::json;

constexpr size_t kLongestValue = 120;

// "VirtualMachine default/a", as far as it says so.
std::string name_of(api::Kind kind, const json& object) {
  const auto text = [&](const char* path, const std::string& otherwise) {
    const json* found = api::find_path(object, path);
    const auto* value =
        found == nullptr ? nullptr : found->get_ptr<const std::string*>();
    return value == nullptr ? otherwise : std::string(*value);
  };
  return std::string(api::names_of(kind).kind) + " " +
         text("metadata.namespace", "default") + "/" +
         text("metadata.name", "(no name)");
}

// The nearest line that is known at or above a path.
uint32_t line_of(const api::YamlDocument& document, std::string path) {
  while (!path.empty()) {
    const auto found = document.lines.find(path);
    if (found != document.lines.end()) return found->second;
    const auto cut = path.find_last_of(".[");
    path.resize(cut == std::string::npos ? 0 : cut);
  }
  return document.line;
}

std::string value_at(const json& object, const std::string& path) {
  const json* found = path.empty() ? nullptr : api::find_path(object, path);
  if (found == nullptr) return {};
  const std::string out =
      found->dump(-1, ' ', false, json::error_handler_t::replace);
  return out.size() > kLongestValue ? "" : out;
}

// What a word became that was meant as a string, or as something else.
Verdict surprise(const api::YamlSurprise& one) {
  return {"yaml-plain-scalar",
          Severity::kWarning,
          {one.path,
           "plain " + one.text + " is read as " + one.read + ", not as text"},
          "quote it if a text is meant, else write " + one.read};
}

void check_document(const std::string& file, const api::YamlDocument& document,
                    Report& report) {
  Judged judged = judge(document.value);
  const std::string object =
      judged.kind ? name_of(*judged.kind, document.value) : "";
  report.objects += judged.kind ? 1 : 0;
  report.refused += judged.refused() ? 1 : 0;
  const auto add = [&](Verdict verdict, uint32_t line) {
    std::string value = value_at(document.value, verdict.fault.path);
    report.findings.push_back(
        {file, line, object, std::move(verdict), std::move(value)});
  };
  if (judged.kind)
    for (const api::YamlSurprise& one : document.surprises)
      add(surprise(one), one.line);
  for (Verdict& verdict : judged.verdicts) {
    const uint32_t line = line_of(document, verdict.fault.path);
    add(std::move(verdict), line);
  }
}

void refuse_text(const std::string& file, uint32_t line, std::string message,
                 std::string remedy, Report& report) {
  ++report.refused;
  report.findings.push_back({file,
                             line,
                             "",
                             {"yaml-text",
                              Severity::kRefused,
                              {"", std::move(message)},
                              std::move(remedy)},
                             ""});
}

}  // namespace

Report check(std::span<const Input> inputs) {
  Report report;
  api::YamlLimits limits;
  limits.bytes = kMaxFileBytes;
  limits.notes = true;
  for (const Input& input : inputs) {
    const api::YamlText read = api::read_yaml(input.text, limits);
    if (!read.fault.empty()) {
      refuse_text(input.name, read.fault_line, read.fault, "", report);
      continue;
    }
    bool any = false;
    for (const api::YamlDocument& document : read.documents) {
      if (document.value.is_null()) continue;  // between two marks
      any = true;
      check_document(input.name, document, report);
    }
    if (!any)
      refuse_text(input.name, 0, "no object in it",
                  "write a VirtualMachine or a VMSnapshot", report);
  }
  return report;
}

}  // namespace chrysalis::admission
