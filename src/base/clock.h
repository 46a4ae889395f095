#pragma once

// Time as a parameter. Pure code gets `now`; shells borrow a Clock, so a test
// moves time by hand (tests/fakes/fake_clock.h) and never sleeps.
// Thread-safety: implementations are safe to call from any thread.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace chrysalis {

using Mono = std::chrono::steady_clock::time_point;  // deadlines, back-off
using Wall = std::chrono::system_clock::time_point;  // what a user reads
using std::chrono::milliseconds;
using std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Mono mono() const = 0;
  [[nodiscard]] virtual Wall wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Mono mono() const override;
  [[nodiscard]] Wall wall() const override;
};

// "2026-11-24T09:00:00Z", the form of metav1.Time: UTC, whole seconds.
std::string to_rfc3339(Wall time);
// "2026-11-24T09:00:00.000001Z", the form of metav1.MicroTime.
std::string to_rfc3339_micro(Wall time);
// Any RFC 3339 time of the years 1970 to 2200: with or without a fraction (cut
// to what Wall holds), Z or an offset.
std::optional<Wall> parse_rfc3339(std::string_view text);

}  // namespace chrysalis
