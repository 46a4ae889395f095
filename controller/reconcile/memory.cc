#include "controller/reconcile/memory.h"

#include <algorithm>

namespace chrysalis::reconcile {
namespace {

using engine::Reason;

constexpr seconds kSoon{1};
constexpr seconds kSlow{30};
constexpr seconds kLongest{300};

seconds doubled(seconds first, uint32_t in_a_row) {
  // Nine doublings pass the limit; a larger shift would overflow.
  const auto doublings = std::min<uint32_t>(in_a_row > 0 ? in_a_row - 1 : 0, 9);
  return std::min(first * (int64_t{1} << doublings), kLongest);
}

// The first start of a staged clone is the load: it ends as a clone.
bool answers(engine::Kind asked, engine::Kind ended) {
  return ended == asked ||
         (asked == engine::Kind::kStart && ended == engine::Kind::kClone);
}

}  // namespace

Try& aim_of(Memory& memory, engine::Kind kind) {
  return kind == engine::Kind::kRestore ? memory.restore : memory.power;
}

void ask(Memory& memory, const Asked& asked) {
  Try& aim = aim_of(memory, asked.kind);
  if (aim.asked != asked) aim.failure.reset();
  aim.asked = asked;
  aim.awaited = true;
}

void settle(Memory& memory, bool in_flight,
            const std::optional<engine::Outcome>& last) {
  if (in_flight) return;
  const bool started = memory.power.awaited && last && last->ok;
  if (started && memory.restarts_then)
    memory.restarts_in_a_row = *memory.restarts_then;
  if (memory.power.awaited) memory.restarts_then.reset();
  for (Try* aim : {&memory.power, &memory.restore}) {
    if (!aim->awaited) continue;
    aim->awaited = false;
    if (!last || last->ok || !answers(aim->asked->kind, last->kind)) {
      aim->failure.reset();
      continue;
    }
    const uint32_t before = aim->failure ? aim->failure->in_a_row : 0;
    aim->failure = Failure{last->reason, last->message, last->refused,
                           last->finished, before + 1};
  }
}

Retry retry_of(Reason reason) {
  switch (reason) {
    case Reason::kNone:
    case Reason::kInterrupted:
    case Reason::kSnapshotNotFound:
    case Reason::kSnapshotNotReady:
    case Reason::kSnapshotHeld:
    case Reason::kSourceNotRunning:
    case Reason::kNicSwapPending:
    case Reason::kTargetStopped:
    case Reason::kInsufficientMemory:
    case Reason::kInsufficientStorage:
    case Reason::kWrongState:
    case Reason::kStagingFailed:
    case Reason::kNetworkFailed:
    case Reason::kSpawnFailed:
    case Reason::kApiTimeout:
    case Reason::kBootFailed:
    case Reason::kLoadFailed:
    case Reason::kPauseFailed:
    case Reason::kResumeFailed:
    case Reason::kSnapshotFailed:
    case Reason::kNotHealthy:
    case Reason::kVmmExited:
    case Reason::kVmmUnkillable:
    case Reason::kPublishFailed:
    case Reason::kDatabaseFailed:
    case Reason::kHostRebooted:
      return Retry::kSoon;
    case Reason::kImageNotFound:
    case Reason::kImageInvalid:
    case Reason::kNetworkNotFound:
    case Reason::kMtuTooSmall:
    case Reason::kBinaryMissing:
    case Reason::kShimLost:
      return Retry::kSlowly;
    case Reason::kInvalidConfig:
    case Reason::kDigestMismatch:
    case Reason::kSnapshotUnsupported:
    case Reason::kBlockDrainMissing:
    case Reason::kKvmNestedStateUnavailable:
    case Reason::kForeignSnapshot:
    case Reason::kHypervisorMismatch:
    case Reason::kNicCountMismatch:
    case Reason::kOnDemandUnsupported:
    case Reason::kAttemptUsed:
    case Reason::kTopologyMismatch:
    case Reason::kCorrupt:
    case Reason::kPauseBudgetExceeded:
      return Retry::kNever;
  }
  return Retry::kSoon;
}

std::optional<Wall> next_try(const Failure& failure) {
  switch (retry_of(failure.reason)) {
    case Retry::kSoon:
      return failure.at + doubled(kSoon, failure.in_a_row);
    case Retry::kSlowly:
      return failure.at + doubled(kSlow, failure.in_a_row);
    case Retry::kNever:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace chrysalis::reconcile
