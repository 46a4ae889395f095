#pragma once

// Agents are alive by Lease: each renews `agent-<node>`, the controller judges
// by seeing it change. Both halves here, without I/O.
// Thread-safety: none. PURE.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "controller/runtime/lease_record.h"
#include "src/base/clock.h"

namespace chrysalis::runtime {

inline constexpr seconds kAgentRenews{10};
inline constexpr seconds kAgentLostAfter{40};

// "agent-<node>"; the node's name is a subdomain, so this one is too.
[[nodiscard]] std::string agent_lease_name(std::string_view node);
// The node behind such a name; nothing for any other lease.
[[nodiscard]] std::optional<std::string> node_of_lease(std::string_view name);

// Who holds the lease of a node: "<node>_<instance>", as two hosts may have
// been given one name.
[[nodiscard]] std::string agent_holder(std::string_view node,
                                       std::string_view instance);

// When to renew our own lease, and with what. A changed annotation is
// written at once, a failed write is tried again after 2 s.
//
// One name is one host's: a lease that another holds is not ours before it was
// seen not to be renewed for 40 s, by our own clock. Is it renewed meanwhile,
// then another host lives under our name, and taken_by() is final. A lease
// held by the node's bare name is ours: so a former version wrote it.
class Heartbeat {
 public:
  explicit Heartbeat(std::string holder) : holder_(std::move(holder)) {}

  // What the node can do, as the placement reads it.
  void describe(std::map<std::string, std::string> annotations);

  struct Plan {
    std::optional<LeaseRecord> write;
    bool read = false;  // learn the lease's version first
    Mono wake_at{};     // call again then, if there is nothing to do now
  };
  [[nodiscard]] Plan plan(Mono now, Wall wall) const;

  void read(const std::optional<LeaseRecord>& record, Mono now);
  void wrote(const LeaseRecord& record, Mono sent_at);
  void failed(bool conflict, Mono now);

  // Written by us at least once.
  [[nodiscard]] bool claimed() const { return claimed_; }
  [[nodiscard]] const std::optional<std::string>& taken_by() const {
    return taken_by_;
  }
  // The other one that holds it as we saw it last, if any.
  [[nodiscard]] std::optional<std::string> rival() const;

 private:
  struct Watched {  // the last renewal of another, and since when we know it
    std::optional<Wall> renew_time;
    Mono since;
  };
  [[nodiscard]] bool is_anothers(const std::string& holder) const;

  std::string holder_;
  std::map<std::string, std::string> wanted_;
  std::optional<LeaseRecord> known_;  // nothing: to be read
  std::optional<Mono> renewed_at_;
  Mono not_before_{};
  Mono read_at_{};
  bool claimed_ = false;
  std::optional<Watched> watched_;  // before the claim
  std::optional<std::string> taken_by_;
};

// Which agents live, by our own monotonic clock since their lease last
// changed. An agent seen for the first time counts as alive from then on, so
// a restarted controller declares nobody lost for the first 40 s.
class LivenessJudge {
 public:
  // `renewal` is the lease's renewTime as text: anything that changes with
  // each renewal. Its value is never compared with a clock.
  void observe(const std::string& node, std::string_view renewal, Mono now);
  void forget(const std::string& node) { seen_.erase(node); }

  // False also for a node whose lease was never seen.
  [[nodiscard]] bool alive(const std::string& node, Mono now) const;
  // Nodes that were alive at the last call and are not now, and the reverse;
  // each change is told once.
  struct Verdicts {
    std::vector<std::string> lost;
    std::vector<std::string> returned;
    std::optional<Mono> wake_at;  // when the next could be lost
  };
  Verdicts judge(Mono now);

 private:
  struct Seen {
    std::string renewal;
    Mono changed_at;
    bool told_lost = false;
  };
  std::unordered_map<std::string, Seen> seen_;
};

}  // namespace chrysalis::runtime
