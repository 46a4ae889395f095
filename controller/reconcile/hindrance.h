#pragma once

// Why something that was asked for is not so. PURE.

#include <cstdint>
#include <string>
#include <utility>

#include "controller/reconcile/words.h"

namespace chrysalis::reconcile {

struct Hindrance {
  enum class Kind : uint8_t {
    kWaits,   // passes by itself, or is tried again
    kStalls,  // a human must act
  };
  Kind kind = Kind::kWaits;
  std::string reason, message;
  bool refused = false;  // of a restore: nothing was touched

  [[nodiscard]] bool stalls() const { return kind == Kind::kStalls; }
  [[nodiscard]] bool is(StatusReason why) const {
    return reason == to_string(why);
  }
};

inline Hindrance waits(Word reason, std::string message = {}) {
  return {Hindrance::Kind::kWaits, std::string(reason.text),
          std::move(message)};
}
inline Hindrance stalls(Word reason, std::string message = {}) {
  return {Hindrance::Kind::kStalls, std::string(reason.text),
          std::move(message)};
}

}  // namespace chrysalis::reconcile
