#pragma once

// Tells events to the API server (events.k8s.io/v1), as event_series.h says
// when: one thread, one request at a time. Notes that find no room, and
// events that were given up, are counted and never waited for.
// When nothing answers, or the server wants nobody's requests, it pauses
// between two attempts, so that a server that comes back is not met by all
// that waited. What is refused of one event holds up no other: a terminating
// namespace answers 403 to each of its events, and they are given up.
// Thread-safety: tell() and counts() from any thread; stop() from one.
// Ownership: borrows transport and timer; both outlive this.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>

#include "controller/kube/client.h"
#include "controller/runtime/event_series.h"
#include "controller/runtime/object_store.h"
#include "controller/runtime/timer.h"

namespace chrysalis::runtime {

// Who reports: "chrysalis.dev/agent", "<node>".
struct EventSource {
  std::string controller;
  std::string instance;
};

class EventRecorder final : public EventSink {
 public:
  static constexpr seconds kPause{1};           // when nothing is to be had
  static constexpr milliseconds kCall{10'000};  // of one request

  EventRecorder(kube::Transport& transport, Timer& timer, EventSource source);
  ~EventRecorder() override;  // stop() without time to flush
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  void tell(EventNote note) override;

  // Writes what is not written yet, the counts of open series among it, one
  // try each and none after `flush_until`; then joins. Later notes are lost.
  void stop(Mono flush_until);

  struct Counts {
    uint64_t written = 0;  // requests that were accepted
    uint64_t dropped = 0;  // notes without room, or after the stop
    uint64_t failed = 0;   // attempts that are made again
    uint64_t refused = 0;  // events that the server does not want
  };
  [[nodiscard]] Counts counts() const;

 private:
  using Write = EventSeries::Write;
  using Outcome = EventSeries::Outcome;
  struct Sent {
    Outcome outcome = Outcome::kWritten;
    bool pause = false;  // the next event would fare no better
  };

  void run();
  // REQUIRES: the lock; released while the request is under way.
  void perform(const Write& write, std::unique_lock<std::mutex>& lock);
  Sent send(const Write& write);
  Sent refused(const Write& write, const kube::ApiStatus& status);
  Sent give_up(const Write& write, const std::string& why);
  void wait(std::unique_lock<std::mutex>& lock, std::optional<Mono> until);
  [[nodiscard]] kube::Event event_of(const Write& write) const;

  Timer& timer_;
  const EventSource source_;
  std::stop_source cancel_;  // ends the request in flight
  kube::Client client_;
  std::set<std::string> warned_;  // reasons whose events were refused; of run()

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  EventSeries series_;
  Counts counts_;
  bool told_ = false;  // since the thread last looked
  bool ended_ = false;
  std::optional<Mono> flush_until_;  // stopping
  std::thread thread_;               // last: it uses all the others
};

}  // namespace chrysalis::runtime
