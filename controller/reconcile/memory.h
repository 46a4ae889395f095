#pragma once

// What is kept of one object between two plans, in memory alone: what was
// asked of the engine, and how often it failed. Losing it (a new agent) costs
// one more try at once, never a second restore: attempts are in the record.
//
//   ask() ---> awaited --- the engine is idle again: settle() ---> counted
//
// PURE. Thread-safety: values.

#include <cstdint>
#include <optional>
#include <string>

#include "src/base/clock.h"
#include "src/engine/reason.h"
#include "src/engine/view.h"

namespace chrysalis::reconcile {

// One request as far as it matters whether it is the same again. A change of
// the spec makes it another one, which is tried at once.
struct Asked {
  engine::Kind kind = engine::Kind::kBoot;
  uint64_t generation = 0;
  uint64_t attempt = 0;
  std::string snapshot_uid;
  friend bool operator==(const Asked&, const Asked&) = default;
};

struct Failure {
  engine::Reason reason = engine::Reason::kNone;
  std::string message;
  bool refused = false;
  Wall at{};
  uint32_t in_a_row = 0;
  friend bool operator==(const Failure&, const Failure&) = default;
};

// The last request of one aim.
struct Try {
  std::optional<Asked> asked;
  bool awaited = false;            // its outcome was not seen yet
  std::optional<Failure> failure;  // of `asked`, the last one

  // The failure of this very request, if it was the last and it failed.
  [[nodiscard]] const Failure* failed(const Asked& again) const {
    return failure && asked == again ? &*failure : nullptr;
  }
  friend bool operator==(const Try&, const Try&) = default;
};

struct Memory {
  uint32_t restarts_in_a_row = 0;         // by the restart policy
  std::optional<uint32_t> restarts_then;  // once the start asked for succeeds
  Try power;    // boot, clone, start, stop, pause, resume, restart, delete;
                // of a snapshot: capture, import, delete
  Try restore;  // apart, so that a pause does not forget a refusal
  std::string lane;  // of a snapshot: the VM uid its capture was asked of
  friend bool operator==(const Memory&, const Memory&) = default;
};

Try& aim_of(Memory& memory, engine::Kind kind);

// Notes that this was asked of the engine.
void ask(Memory& memory, const Asked& asked);

// Takes in the outcome of what was asked, once nothing is in flight.
// `last`: of the last operation that ended, seen after `in_flight` was.
void settle(Memory& memory, bool in_flight,
            const std::optional<engine::Outcome>& last);

// What to do about a failure.
enum class Retry : uint8_t {
  kSoon,    // it may pass by itself: back-off from 1 s
  kSlowly,  // a human must act, perhaps outside the spec: from 30 s
  kNever,   // only another spec, or another snapshot, can help
};
Retry retry_of(engine::Reason reason);

inline constexpr seconds kLookAgain{30};  // at what no watch of ours tells

// When the same may be tried again; nothing: never. Doubling, at most 5 min.
std::optional<Wall> next_try(const Failure& failure);

}  // namespace chrysalis::reconcile
