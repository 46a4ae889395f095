#include "controller/kube/api_status.h"

#include <algorithm>

namespace chrysalis::kube {
namespace {

bool has_cause(const ApiStatus& status, std::string_view reason) {
  return std::any_of(
      status.causes.begin(), status.causes.end(),
      [&](const StatusCause& cause) { return cause.reason == reason; });
}

// 409 has three meanings with three answers; merging them either retries for
// ever or takes another writer's object for ours.
Refusal classify_conflict(const ApiStatus& status) {
  if (status.reason == "AlreadyExists") return Refusal::kAlreadyExists;
  if (has_cause(status, "FieldManagerConflict"))
    return Refusal::kFieldManagerConflict;
  return Refusal::kConflict;
}

}  // namespace

Refusal classify(const ApiStatus& status) {
  switch (status.code) {
    case 401:
      return Refusal::kUnauthorized;
    case 403:
      return Refusal::kForbidden;
    case 404:
      return Refusal::kNotFound;
    case 409:
      return classify_conflict(status);
    case 410:
      return Refusal::kExpired;
    case 413:
      return Refusal::kTooLarge;
    case 429:
      return Refusal::kTooManyRequests;
    case 400:
    case 405:
    case 406:
    case 415:
    case 422:
      return Refusal::kInvalid;
    case 504:
      if (has_cause(status, "ResourceVersionTooLarge"))
        return Refusal::kVersionTooLarge;
      return Refusal::kServer;
    default:
      break;
  }
  // An ERROR event may say Expired by its reason alone.
  if (status.reason == "Expired" || status.reason == "Gone")
    return Refusal::kExpired;
  if (status.code >= 500) return Refusal::kServer;
  if (status.code >= 300 && status.code < 400) return Refusal::kRedirect;
  return Refusal::kOther;
}

Code code_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNotFound:
      return Code::kNotFound;
    case Refusal::kConflict:
    case Refusal::kAlreadyExists:
    case Refusal::kFieldManagerConflict:
    case Refusal::kExpired:
      return Code::kConflict;
    case Refusal::kInvalid:
    case Refusal::kTooLarge:
    case Refusal::kRedirect:
    case Refusal::kOther:
      return Code::kInvalid;
    case Refusal::kUnauthorized:
    case Refusal::kForbidden:
    case Refusal::kTooManyRequests:
    case Refusal::kVersionTooLarge:
    case Refusal::kServer:
      return Code::kUnavailable;
  }
  return Code::kUnavailable;
}

std::string describe(const ApiStatus& status) {
  std::string text = std::to_string(status.code);
  if (!status.reason.empty()) text += " " + status.reason;
  if (!status.message.empty()) text += ": " + status.message;
  for (const StatusCause& cause : status.causes) {
    // The server's message usually repeats its causes already.
    if (status.message.find(cause.message) != std::string::npos) continue;
    text += "; ";
    if (!cause.field.empty()) text += cause.field + ": ";
    text += cause.message;
  }
  return text;
}

}  // namespace chrysalis::kube
