#include "controller/runtime/election.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace chrysalis::runtime {

using namespace election;  // the words of this machine

namespace {
constexpr int kReleaseTries = 5;
}  // namespace

Action Election::step(const Input& input, Mono now, Wall wall, double chance) {
  if (role_ == Role::kLost || role_ == Role::kReleased) return Finish{};
  if (role_ == Role::kLeading && !releasing_ && now >= deadline() &&
      !std::holds_alternative<Stop>(input)) {
    role_ = Role::kLost;
    return Finish{};
  }
  return std::visit(
      [&](const auto& what) -> Action {
        using T = std::decay_t<decltype(what)>;
        if constexpr (std::is_same_v<T, Tick>) {
          return on_tick(now, wall);
        } else if constexpr (std::is_same_v<T, Got>) {
          return on_got(what.record, now, wall, chance);
        } else if constexpr (std::is_same_v<T, Wrote>) {
          return on_wrote(what.record, now, chance);
        } else if constexpr (std::is_same_v<T, Failed>) {
          return on_failed(what.conflict, now, chance);
        } else {
          return on_stop();
        }
      },
      input);
}

Action Election::on_tick(Mono now, Wall wall) {
  if (role_ == Role::kLeading) return send(claim(wall), now);
  return Read{};
}

Action Election::on_got(const std::optional<LeaseRecord>& record, Mono now,
                        Wall wall, double chance) {
  observe(record.value_or(LeaseRecord{}), now);
  const bool ours = observed_.holder == identity_;
  if (releasing_) {
    // Somebody else's by now: nothing of ours to give back.
    if (!ours) return role_ = Role::kReleased, Finish{};
    return on_stop();
  }
  if (role_ == Role::kLeading && !ours && !observed_.holder.empty()) {
    role_ = Role::kLost;  // taken over: we must have looked dead
    return Finish{};
  }
  const bool expired =
      now >= *observed_at_ + seconds{observed_.duration_seconds};
  if (observed_.holder.empty() || ours || expired) {
    return send(claim(wall), now);
  }
  return wait(now, chance);
}

Action Election::on_wrote(const LeaseRecord& record, Mono now, double chance) {
  observe(record, now);
  if (releasing_) return role_ = Role::kReleased, Finish{};
  role_ = Role::kLeading;
  renewed_at_ = sent_at_;
  return wait(now, chance);
}

Action Election::on_failed(bool conflict, Mono now, double chance) {
  if (releasing_) {
    // The lease runs out by itself; a few tries, then leave.
    if (++release_tries_ >= kReleaseTries) {
      return role_ = Role::kReleased, Finish{};
    }
    if (conflict) return Read{};
    return wait(now, chance);
  }
  // Read at once only as leader: the record moved, it may still be ours.
  if (conflict && role_ == Role::kLeading) return Read{};
  return wait(now, chance);
}

Action Election::on_stop() {
  if (role_ != Role::kLeading) return role_ = Role::kReleased, Finish{};
  releasing_ = true;
  LeaseRecord record = observed_;
  record.holder.clear();
  record.duration_seconds = 1;
  return Write{std::move(record)};
}

Action Election::wait(Mono now, double chance) const {
  const auto retry = std::chrono::duration<double, std::milli>(
      static_cast<double>(options_.retry.count()) *
      (1.0 + options_.jitter * chance));
  Mono until = now + std::chrono::duration_cast<Mono::duration>(retry);
  if (role_ == Role::kLeading && !releasing_) {
    until = std::min(until, deadline());
  }
  return Wait{until};
}

Action Election::send(LeaseRecord record, Mono now) {
  sent_at_ = now;
  return Write{std::move(record)};
}

void Election::observe(const LeaseRecord& record, Mono now) {
  if (observed_at_ && record == observed_) return;
  observed_ = record;
  observed_at_ = now;
}

LeaseRecord Election::claim(Wall wall) const {
  LeaseRecord record = observed_;
  if (record.holder != identity_) {
    // A lease that nobody ever held starts at 0.
    if (!record.resource_version.empty()) ++record.transitions;
    record.acquire_time = wall;
  }
  record.holder = identity_;
  record.duration_seconds = static_cast<int32_t>(options_.lease.count());
  record.renew_time = wall;
  return record;
}

}  // namespace chrysalis::runtime
