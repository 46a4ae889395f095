#include "controller/admission/review/answer.h"

#include <utility>

#include "controller/api/names.h"
#include "controller/api/structural.h"

namespace chrysalis::admission {
namespace {

using api::Kind;
using nlohmann::json;

constexpr size_t kLongestWarning = 256;  // longer ones the server cuts

std::string sentence(const std::string& field, std::string words) {
  return field.empty() ? words : field + ": " + std::move(words);
}

std::optional<Kind> kind_of(const ReviewRequest& request) {
  if (request.version != api::kVersion) return std::nullopt;
  for (const Kind kind : api::kKinds)
    if (api::names_of(kind).kind == request.kind) return kind;
  return std::nullopt;
}

const json& spec_of(const json& object) {
  static const json none;
  const auto found = object.is_object() ? object.find("spec") : object.end();
  return found == object.end() ? none : *found;
}

// "[a, b]", or the one alone.
std::string join_words(const std::vector<Verdict>& causes) {
  std::string out;
  for (const Verdict& one : causes)
    out +=
        (out.empty() ? "" : ", ") + sentence(one.fault.path, server_words(one));
  return causes.size() == 1 ? out : "[" + out + "]";
}

void warn(ReviewAnswer& answer, const Verdict& verdict) {
  answer.warnings.push_back(sentence(verdict.fault.path, verdict.fault.message)
                                .substr(0, kLongestWarning));
}

void refuse(ReviewAnswer& answer, const ReviewRequest& request,
            std::vector<Verdict> causes) {
  answer.allowed = false;
  answer.code = 422;
  answer.reason = "Invalid";
  answer.name = request.name;
  answer.kind = request.kind;
  answer.message = request.kind + "." + request.group + " \"" + request.name +
                   "\" is invalid: " + join_words(causes);
  answer.causes = std::move(causes);
}

// What the object says of itself must be what the review says of it.
bool is_of_kind(Kind kind, const json& object) {
  return frame_of(object).kind == kind;
}

ReviewAnswer judge_object(Kind kind, const ReviewRequest& request) {
  const bool update = request.operation == Operation::kUpdate;
  if (!is_of_kind(kind, request.object) ||
      (update && !is_of_kind(kind, request.old)))
    return bad_review(request.uid,
                      std::string(update ? "object and oldObject" : "object") +
                          ": must be a " + request.kind + " of " +
                          std::string(api::kApiVersion));
  ReviewAnswer answer;
  answer.uid = request.uid;
  std::vector<Verdict> causes;
  for (Verdict& one :
       judge(kind, request.object, update ? &request.old : nullptr)) {
    if (one.severity == Severity::kRefused)
      causes.push_back(std::move(one));
    else
      warn(answer, one);
  }
  if (causes.empty()) return answer;
  if (update && spec_of(request.object) == spec_of(request.old)) {
    for (const Verdict& one : causes) warn(answer, one);
    return answer;
  }
  refuse(answer, request, std::move(causes));
  return answer;
}

json status_of(const ReviewAnswer& answer) {
  json out = {{"metadata", json::object()},
              {"status", "Failure"},
              {"code", answer.code},
              {"reason", answer.reason},
              {"message", answer.message}};
  if (answer.causes.empty()) return out;
  json causes = json::array();
  for (const Verdict& one : answer.causes)
    causes.push_back({{"reason", std::string(to_string(one.cause))},
                      {"message", server_words(one)},
                      {"field", one.fault.path}});
  out["details"] = {{"name", answer.name},
                    {"group", std::string(api::kGroup)},
                    {"kind", answer.kind},
                    {"causes", std::move(causes)}};
  return out;
}

}  // namespace

std::string server_words(const Verdict& verdict) {
  const std::string& message = verdict.fault.message;
  // The words of the structure are the server's, whole.
  if (verdict.rule.starts_with("structure-")) return message;
  switch (verdict.cause) {
    case Cause::kForbidden:
      return "Forbidden: " + message;
    case Cause::kInvalid:
      return "Invalid value: " + message;
    case Cause::kRequired:
    case Cause::kType:
    case Cause::kNotSupported:
    case Cause::kTooLong:
      return message;
  }
  return message;
}

ReviewAnswer bad_review(std::string uid, const std::string& why) {
  ReviewAnswer answer;
  answer.uid = std::move(uid);
  answer.allowed = false;
  answer.code = 400;
  answer.reason = "BadRequest";
  answer.message = "AdmissionReview: " + why;
  return answer;
}

ReviewAnswer judge_review(const ReviewRequest& request) {
  ReviewAnswer answer;
  answer.uid = request.uid;
  if (request.operation == Operation::kDelete ||
      request.operation == Operation::kConnect || !request.subresource.empty())
    return answer;
  if (request.group != api::kGroup) {
    answer.warnings.push_back(("not reviewed: " + request.kind + " of \"" +
                               request.group + "\" is no kind of " +
                               std::string(api::kGroup))
                                  .substr(0, kLongestWarning));
    return answer;
  }
  const auto kind = kind_of(request);
  if (!kind)
    return bad_review(request.uid,
                      "no kind \"" + request.kind.substr(0, 80) + "\" in \"" +
                          request.group + "/" + request.version.substr(0, 80) +
                          "\"; there are VirtualMachine and VMSnapshot in " +
                          std::string(api::kApiVersion));
  return judge_object(*kind, request);
}

std::string to_json(const ReviewAnswer& answer) {
  json response = {{"uid", answer.uid}, {"allowed", answer.allowed}};
  if (!answer.allowed) response["status"] = status_of(answer);
  if (!answer.warnings.empty()) response["warnings"] = answer.warnings;
  const json review = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"response", std::move(response)}};
  return review.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace chrysalis::admission
