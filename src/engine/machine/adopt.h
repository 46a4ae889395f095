#pragma once

// What becomes of an operation whose agent died in the middle: decided from
// the last intent in the journal and from what was observed, never from
// memory. Recovering twice, or dying while recovering, ends the same. PURE.

#include "src/engine/machine/operation.h"

namespace chrysalis::engine {

// A VMM as it was found: existence is the process, the API only refines it.
enum class Seen : uint8_t {
  kGone,      // no such process any more
  kNeverRan,  // nor was there: its gate closed before it was executed
  kUnloaded,  // its API answers, and it holds no guest
  kRunning,   // vCPUs run
  kPaused,    // vCPUs stopped
  kEnded,     // the guest is off, the process idles
  kSilent,    // the process lives, its API did not answer in time
};
inline constexpr Seen kAllSeen[] = {
    Seen::kGone,   Seen::kNeverRan, Seen::kUnloaded, Seen::kRunning,
    Seen::kPaused, Seen::kEnded,    Seen::kSilent};
std::string_view to_string(Seen seen);

struct Observed {
  Seen current = Seen::kGone;  // of the record's generation
  Seen next = Seen::kGone;     // of the one after it
  bool same_boot = true;       // as when the intent was journalled
};

// Whether what was observed decides nothing yet, since a VMM that is there
// says nothing: it is to be observed again after a while. After a bounded time
// recover() decides all the same, and nothing is undone that may have run.
bool undecided(Step step, const Observed& observed);

// The operation as it goes on; it may be over at once. Never kOk unless what
// was asked for is seen to be so.
Operation recover(Kind kind, Step step, Facts facts, const Observed& observed,
                  Mono now);

}  // namespace chrysalis::engine
