#pragma once

// A driver of the list/watch machine for tests that read as scripts: each call
// is one input at the fake time; log() says what the machine asked for.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/kube/watch_step.h"

namespace chrysalis::kube::testing {

class WatchScript {
 public:
  explicit WatchScript(WatchOptions options) : options_(options) {}

  void send(const Input& input);
  void start() { send({0, input::Start{}}); }
  // Starts and brings it to Watching with the store at `version`.
  void synced(const std::string& version);
  void page(std::string_view version, std::string_view next,
            std::span<const input::Fault> faults = {});
  void opened() { send({state_.attempt, input::Opened{}}); }
  void event(EventType type, std::string_view version,
             std::string_view fault = {});
  void bookmark(std::string_view version, bool end = false);
  void ended() { send({state_.attempt, input::Ended{}}); }
  void broken() { send({state_.attempt, input::Broken{"refused"}}); }
  void malformed(std::string_view why) {
    send({state_.attempt, input::Malformed{why}});
  }
  void refuse(int code, const std::string& reason, bool in_stream = false,
              std::optional<seconds> retry_after = {});
  void refuse_too_large();
  // Moves time to the timer that is set, and fires it.
  void timer();
  void advance(milliseconds by) { now_ += by; }
  void set_jitter(double jitter) { jitter_ = jitter; }

  [[nodiscard]] const WatchState& state() const { return state_; }
  [[nodiscard]] std::string log() const;  // of the last input, timers left out
  [[nodiscard]] milliseconds delay() const;
  [[nodiscard]] ListParams list() const;
  [[nodiscard]] WatchParams watch() const;
  [[nodiscard]] Notice warning() const;
  [[nodiscard]] std::string warning_text() const;
  template <class A>
  [[nodiscard]] bool did() const {
    for (const Action& action : actions_)
      if (std::holds_alternative<A>(action)) return true;
    return false;
  }

 private:
  template <class A>
  [[nodiscard]] A last() const {
    for (auto it = actions_.rbegin(); it != actions_.rend(); ++it)
      if (const A* a = std::get_if<A>(&*it)) return *a;
    return {};
  }

  WatchOptions options_;
  WatchState state_;
  Mono now_{seconds(1000)};
  double jitter_ = 0;
  std::vector<Action> actions_;
};

// One script standing in each phase (and each kind of back-off).
std::map<std::string, WatchScript> scripts_in_every_phase();
// At least one of each input, for the attempt given.
std::vector<Input> every_input(uint64_t attempt);

}  // namespace chrysalis::kube::testing
