#pragma once

// An events.k8s.io/v1 Event and the patch that counts its repeats. PURE; when
// repeats are one series is decided elsewhere.
// Texts are cut at what the server takes: reason and action 128 bytes, note
// 1024, instance 128, never inside a UTF-8 character.

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "src/base/clock.h"

namespace chrysalis::kube {

struct EventSubject {
  std::string api_version{};
  std::string kind{};
  std::string ns{};
  std::string name{};
  std::string uid{};
  std::string resource_version{};  // may be ""
};

struct EventSeries {
  int32_t count = 0;  // 2 and more
  Wall last_observed{};
};

struct Event {
  std::string name{};  // "<object>.<hex>"; its namespace is the subject's
  EventSubject subject{};
  bool warning = false;
  std::string reason{};
  std::string action{};
  std::string note{};
  std::string controller{};  // "chrysalis.dev/agent"
  std::string instance{};    // "<controller>-<host>"
  Wall at{};
  std::optional<EventSeries> series{};
};

// Where it lives: the subject's namespace, or `default`.
[[nodiscard]] std::string event_namespace(const EventSubject& subject);
[[nodiscard]] nlohmann::json encode_event(const Event& event);
// A merge patch of an event that exists.
[[nodiscard]] nlohmann::json encode_series(const EventSeries& series);

}  // namespace chrysalis::kube
