#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "controller/admission/check.h"

namespace chrysalis::admission {
namespace {

using Json = nlohmann::ordered_json;

std::string write(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string place(const Finding& finding) {
  return finding.file +
         (finding.line == 0 ? "" : ":" + std::to_string(finding.line));
}

// "path: message"; a message of the server names its path itself.
std::string sentence(const model::Fault& fault) {
  return fault.path.empty() ? fault.message : fault.path + ": " + fault.message;
}

const char* sarif_level(Severity severity) {
  switch (severity) {
    case Severity::kRefused:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "none";
}

Json sarif_result(const Finding& finding) {
  Json location;
  location["physicalLocation"]["artifactLocation"]["uri"] = finding.file;
  if (finding.line != 0)
    location["physicalLocation"]["region"]["startLine"] = finding.line;
  if (!finding.verdict.fault.path.empty())
    location["logicalLocations"] = {
        {{"fullyQualifiedName", finding.verdict.fault.path}}};
  std::string text = sentence(finding.verdict.fault);
  if (!finding.verdict.remedy.empty())
    text += " (" + finding.verdict.remedy + ")";
  Json out;
  out["ruleId"] = finding.verdict.rule;
  out["level"] = sarif_level(finding.verdict.severity);
  out["message"]["text"] = std::move(text);
  out["locations"] = Json::array({std::move(location)});
  return out;
}

}  // namespace

std::string to_text(const Report& report) {
  std::string out;
  for (const Finding& finding : report.findings) {
    const Verdict& verdict = finding.verdict;
    out +=
        place(finding) + ": " + std::string(to_string(verdict.severity)) + ": ";
    if (!finding.object.empty()) out += finding.object + ": ";
    out += sentence(verdict.fault) + "\n";
    if (!verdict.remedy.empty()) out += "  " + verdict.remedy + "\n";
  }
  return out + std::to_string(report.objects) + " objects checked, " +
         std::to_string(report.refused) + " refused\n";
}

std::string to_json(const Report& report) {
  Json out;
  out["objects"] = report.objects;
  out["refused"] = report.refused;
  out["findings"] = Json::array();
  for (const Finding& finding : report.findings) {
    Json one;
    one["file"] = finding.file;
    one["line"] = finding.line;
    one["object"] = finding.object;
    one["rule"] = finding.verdict.rule;
    one["severity"] = std::string(to_string(finding.verdict.severity));
    one["path"] = finding.verdict.fault.path;
    one["value"] = finding.value;
    one["message"] = finding.verdict.fault.message;
    one["remedy"] = finding.verdict.remedy;
    out["findings"].push_back(std::move(one));
  }
  return write(out);
}

std::string to_sarif(const Report& report) {
  std::set<std::string> ids;
  Json results = Json::array();
  for (const Finding& finding : report.findings) {
    ids.insert(finding.verdict.rule);
    results.push_back(sarif_result(finding));
  }
  Json rules = Json::array();
  for (const std::string& id : ids) rules.push_back({{"id", id}});
  Json run;
  run["tool"]["driver"]["name"] = "chrysalis check";
  run["tool"]["driver"]["rules"] = std::move(rules);
  run["results"] = std::move(results);
  Json out;
  out["$schema"] = "https://json.schemastore.org/sarif-2.1.0.json";
  out["version"] = "2.1.0";
  out["runs"] = Json::array({std::move(run)});
  return write(out);
}

}  // namespace chrysalis::admission
