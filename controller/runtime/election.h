#pragma once

// Who leads, decided without I/O. elector.h carries out the calls.
//
//             got: free, expired or ours       wrote
//  Following ----------------------> Acquiring -----> Leading --+
//     ^  got: held | failed | conflict   |             | ^ renew every retry
//     +----------------------------------+             | +------+
//                                  no renewal within   |
//                                  the renew deadline  v      stop
//                       Lost (final: the process exits)   Released (final)
//
// Rules:
//  - A lease has expired when *its record* has not changed for its duration
//    by our own monotonic clock. Times written in it are never compared, so
//    clocks may be wrong by any amount.
//  - The leader's time runs from before a renewal is sent, a follower's from
//    when it saw the record: the leader stops before a follower starts.
//  - The leader first writes without reading; a refused write reads.
//  - Losing is final. There is no fencing, so every write of ours carries its
//    own precondition besides.
// Thread-safety: none. PURE.

#include <optional>
#include <string>
#include <variant>

#include "controller/runtime/lease_record.h"
#include "src/base/clock.h"

namespace chrysalis::runtime {

// REQUIRES: lease > renew_deadline > 1.2 * retry.
struct ElectionOptions {
  seconds lease{15};
  seconds renew_deadline{10};
  milliseconds retry{2'000};
  double jitter = 0.2;  // a retry waits up to (1 + jitter) * retry
};

enum class Role { kFollowing, kLeading, kLost, kReleased };

namespace election {
struct Tick {};  // the time asked for has come, or the start
struct Got {
  std::optional<LeaseRecord> record;
};
struct Wrote {
  LeaseRecord record;  // with its new resource_version
};
struct Failed {  // a read or a write failed; nothing is known
  bool conflict = false;
};
struct Stop {};  // release if we lead; REQUIRES: our work has ended
using Input = std::variant<Tick, Got, Wrote, Failed, Stop>;

struct Read {};
struct Write {
  LeaseRecord record;
};
struct Wait {
  Mono until;
};
struct Finish {};  // the role is final
using Action = std::variant<Read, Write, Wait, Finish>;
}  // namespace election

class Election {
 public:
  Election(std::string identity, ElectionOptions options = {})
      : identity_(std::move(identity)), options_(options) {}

  // `chance` is a fresh random number in [0, 1), for the jitter.
  election::Action step(const election::Input& input, Mono now, Wall wall,
                        double chance);

  [[nodiscard]] Role role() const { return role_; }
  // Leading, and still so by the clock: false as soon as the renew deadline
  // has passed, even while a renewal hangs.
  [[nodiscard]] bool leads(Mono now) const {
    return role_ == Role::kLeading && now < deadline();
  }
  // Until when a renewal may take, while leading.
  [[nodiscard]] Mono deadline() const {
    return renewed_at_ + options_.renew_deadline;
  }
  // Of whom we know; "" when nobody holds it.
  [[nodiscard]] const std::string& holder() const { return observed_.holder; }

 private:
  election::Action on_tick(Mono now, Wall wall);
  election::Action on_got(const std::optional<LeaseRecord>& record, Mono now,
                          Wall wall, double chance);
  election::Action on_wrote(const LeaseRecord& record, Mono now, double chance);
  election::Action on_failed(bool conflict, Mono now, double chance);
  election::Action on_stop();
  election::Action wait(Mono now, double chance) const;
  election::Action send(LeaseRecord record, Mono now);
  void observe(const LeaseRecord& record, Mono now);
  [[nodiscard]] LeaseRecord claim(Wall wall) const;

  std::string identity_;
  ElectionOptions options_;
  Role role_ = Role::kFollowing;
  bool releasing_ = false;
  LeaseRecord observed_;
  std::optional<Mono> observed_at_;  // when observed_ last changed, for us
  Mono sent_at_{};                   // when the write in flight was sent
  Mono renewed_at_{};                // when the last good write was sent
  int release_tries_ = 0;
};

}  // namespace chrysalis::runtime
