#pragma once

// Drives the list/watch machine over a real Transport in a test's own thread:
// I/O is real, time is not. A back-off is not waited for: the clock is moved
// to its end and the delay is written down. Its store is the smallest that
// can be: key -> resourceVersion.
// Not for programs: nothing of threads, handlers or projection is here.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/kube/decode.h"
#include "controller/kube/requests.h"
#include "controller/kube/transport.h"
#include "controller/kube/watch_step.h"
#include "tests/fakes/fake_clock.h"

namespace chrysalis::kube::testing {

class Follower {
 public:
  using Versions = std::map<std::string, std::string>;

  Follower(Transport& transport, Collection collection,
           WatchOptions options = {});

  // Goes on until `done`, which is asked after each input and may act on the
  // server. False: a minute of real time was not enough; log() is printed.
  // Once.
  bool follow_until(const std::function<bool()>& done);

  [[nodiscard]] const WatchState& state() const { return state_; }
  [[nodiscard]] const Versions& store() const { return store_; }
  [[nodiscard]] const std::vector<milliseconds>& backoffs() const {
    return backoffs_;
  }
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }
  [[nodiscard]] int logged(const std::string& line) const;

 private:
  class Sink;
  void feed(Input input);
  void act(const Action& action);
  void on(const action::StartList& start);
  void on(const action::StartWatch& start);
  void on(const action::Cancel&) { cancelled_ = true; }
  void on(const action::DropStage&) { stage_.clear(); }
  void on(const action::StagePage&);
  void on(const action::StageUpsert&);
  void on(const action::StageRemove&) { stage_.erase(object_.first); }
  void on(const action::Swap&);
  void on(const action::Upsert&);
  void on(const action::Remove&);
  void on(const action::Advance&) {}
  void on(const action::SetTimer&) {}  // state().wake_at has it
  void on(const action::Warn& warn) { log_.push_back(warn.text); }
  void on(const action::Count&) {}
  void on(const action::RefreshCredential&) { transport_.refresh_credential(); }
  void staged();
  void run_list(const action::StartList& start);
  void run_watch(const action::StartWatch& start);
  void refused(uint64_t attempt, const Response& answer);
  void sleep_until_timer();
  [[nodiscard]] bool over() const;

  Transport& transport_;
  const Collection collection_;
  const WatchOptions options_;
  Decoder decoder_;
  FakeClock clock_;
  WatchState state_;
  std::function<bool()> done_;
  Mono give_up_{};

  // The action that waits for its I/O.
  std::optional<action::StartList> list_;
  std::optional<action::StartWatch> watch_;
  bool cancelled_ = false;
  Versions store_;
  Versions stage_;
  // What the next Stage*, Upsert or Remove is about.
  Versions page_;
  std::pair<std::string, std::string> object_;
  std::vector<milliseconds> backoffs_;
  std::vector<std::string> log_;
};

}  // namespace chrysalis::kube::testing
