#include "controller/kube/event.h"

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "controller/kube/requests.h"

namespace chrysalis::kube {
namespace {

using nlohmann::json;

constexpr size_t kShortBytesMax = 128;
constexpr size_t kNoteBytesMax = 1024;

std::string cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  // A continuation byte at the cut: its character does not fit.
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80)
    --bytes;
  return std::string(text.substr(0, bytes));
}

json encode_subject(const EventSubject& subject) {
  json out = {{"apiVersion", subject.api_version},
              {"kind", subject.kind},
              {"name", subject.name},
              {"uid", subject.uid}};
  if (!subject.ns.empty()) out["namespace"] = subject.ns;
  if (!subject.resource_version.empty())
    out["resourceVersion"] = subject.resource_version;
  return out;
}

json encode_count(const EventSeries& series) {
  return {{"count", series.count},
          {"lastObservedTime", to_rfc3339_micro(series.last_observed)}};
}

}  // namespace

std::string event_namespace(const EventSubject& subject) {
  return subject.ns.empty() ? "default" : subject.ns;
}

json encode_event(const Event& event) {
  json out = {
      {"apiVersion", api_version(kEvents)},
      {"kind", kEvents.kind},
      {"metadata",
       {{"name", event.name}, {"namespace", event_namespace(event.subject)}}},
      {"eventTime", to_rfc3339_micro(event.at)},
      {"type", event.warning ? "Warning" : "Normal"},
      {"reason", cut(event.reason, kShortBytesMax)},
      {"action", cut(event.action, kShortBytesMax)},
      {"note", cut(event.note, kNoteBytesMax)},
      {"reportingController", event.controller},
      {"reportingInstance", cut(event.instance, kShortBytesMax)},
      {"regarding", encode_subject(event.subject)}};
  if (event.series) out["series"] = encode_count(*event.series);
  return out;
}

json encode_series(const EventSeries& series) {
  return {{"series", encode_count(series)}};
}

}  // namespace chrysalis::kube
