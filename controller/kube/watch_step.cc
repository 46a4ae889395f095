#include "controller/kube/watch_step.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "controller/kube/resource_version.h"

namespace chrysalis::kube {
namespace {

constexpr seconds kWatchTimeoutMax{295};  // middleboxes cut at 300

// One call of step(): the state being changed and the actions so far.
class Machine {
 public:
  Machine(const WatchOptions& options, WatchState state, Mono now,
          double jitter)
      : o_(options), s_(std::move(state)), now_(now), jitter_(jitter) {}

  void run(const Input& input) {
    if (s_.phase == Phase::kStopped) return;
    std::visit([&](const auto& what) { receive(input.attempt, what); },
               input.what);
  }
  Step take() { return {std::move(s_), std::move(actions_)}; }

 private:
  // ---- which inputs count -------------------------------------------------
  template <class T>
  void receive(uint64_t attempt, const T& what) {
    if constexpr (std::is_same_v<T, input::Start> ||
                  std::is_same_v<T, input::Stop> ||
                  std::is_same_v<T, input::Timer>) {
      on(what);
    } else {
      const bool in_flight = s_.phase == Phase::kListing || streaming();
      if (in_flight && attempt == s_.attempt) on(what);
    }
  }
  [[nodiscard]] bool streaming() const {
    return s_.phase == Phase::kInitialWatch || s_.phase == Phase::kWatching;
  }

  // ---- inputs -------------------------------------------------------------
  void on(const input::Start&) {
    if (s_.phase == Phase::kIdle) resync();
  }

  void on(const input::Stop&) {
    add(action::Cancel{});
    add(action::DropStage{});
    s_.phase = Phase::kStopped;
    s_.wake_at.reset();
  }

  void on(const input::Timer&) {
    if (!s_.wake_at) return;
    if (now_ < *s_.wake_at) return add(action::SetTimer{*s_.wake_at});
    s_.wake_at.reset();
    if (s_.phase == Phase::kBackoff) return resume();
    if (s_.phase == Phase::kInitialWatch) end_mark_is_late();
  }

  void on(const input::Page& page) {
    if (s_.phase != Phase::kListing) return;
    reached();
    for (const input::Fault& fault : page.faults) undecodable(fault);
    if (s_.pages == 0) s_.list_version = page.resource_version;
    ++s_.pages;
    if (s_.list_version.empty())
      return malformed("list without a resourceVersion");
    add(action::StagePage{});
    if (page.continue_token.empty()) {
      swap(s_.list_version);
      return watch();
    }
    if (page.continue_token == s_.continue_token ||
        s_.pages >= o_.list_pages_max) {
      warn(Notice::kEndlessList, "list does not end: after " +
                                     std::to_string(s_.pages) +
                                     " pages there is still a next one");
      return back_off(Then::kResync);
    }
    s_.continue_token = page.continue_token;
    list_page();
  }

  void on(const input::Opened&) {
    if (!streaming()) return;
    s_.stream_start = now_;
    s_.warned &= ~(bit(Notice::kForbidden) | bit(Notice::kUnauthorized) |
                   bit(Notice::kCollectionAbsent));
  }

  void on(const input::Event& event) {
    if (!streaming()) return;
    if (!event.decoded) undecodable({event.key, event.why});
    if (s_.phase == Phase::kInitialWatch) return stage(event);
    if (is_older(event.resource_version, s_.store_version))
      return add(action::Count{Counter::kStaleEvents});
    if (event.type == EventType::kDeleted) {
      add(action::Remove{});
    } else if (event.decoded) {
      add(action::Upsert{});
    }
    advance(event.resource_version);
  }

  void on(const input::Bookmark& bookmark) {
    if (s_.phase == Phase::kInitialWatch) {
      if (!bookmark.initial_events_end) return;
      if (bookmark.resource_version.empty())
        return malformed("end mark without a resourceVersion");
      s_.phase = Phase::kWatching;
      s_.stream_progressed = true;
      s_.wake_at.reset();
      return swap(std::string(bookmark.resource_version));
    }
    if (s_.phase != Phase::kWatching) return;
    if (bookmark.initial_events_end)
      return add(action::Count{Counter::kUnexpectedEndMark});
    advance(bookmark.resource_version);
  }

  void on(const input::Refused& refused) {
    if (refused.in_stream) add(action::Cancel{});
    switch (classify(refused.status)) {
      case Refusal::kExpired:
        return expired();
      case Refusal::kVersionTooLarge:
        return version_too_large();
      case Refusal::kUnauthorized:
        return unauthorized(refused.status);
      case Refusal::kForbidden:
        warn(Notice::kForbidden, describe(refused.status));
        return back_off(same());
      case Refusal::kNotFound:
        // Never a tombstone on an error: the instances' own DELETEDs come.
        warn(Notice::kCollectionAbsent, describe(refused.status));
        return back_off(same());
      case Refusal::kTooManyRequests:
        return back_off(s_.phase == Phase::kListing ? Then::kSamePage : same(),
                        refused.status.retry_after);
      case Refusal::kInvalid:
        if (s_.phase == Phase::kInitialWatch) return list_instead(refused);
        [[fallthrough]];
      case Refusal::kConflict:
      case Refusal::kAlreadyExists:
      case Refusal::kFieldManagerConflict:
      case Refusal::kTooLarge:
      case Refusal::kServer:
      case Refusal::kRedirect:
      case Refusal::kOther:
        warn(Notice::kRefused, describe(refused.status));
        return failing(refused.status.retry_after);
    }
  }

  void on(const input::Ended&) {
    if (!streaming()) return;
    // A WatchList cut short brought nothing that may be kept.
    if (s_.phase == Phase::kInitialWatch) return back_off(Then::kResync);
    const bool idle_at_once =
        !s_.stream_progressed && now_ - s_.stream_start < o_.short_watch;
    if (idle_at_once) return back_off(Then::kRewatch);
    watch();
  }

  void on(const input::Broken& broken) {
    warn(Notice::kBroken, std::string(broken.why));
    back_off(same());
  }

  void on(const input::Malformed& bad) { malformed(bad.why); }

  // ---- what they come to --------------------------------------------------
  void stage(const input::Event& event) {
    // Versions of initial events come in no order: the end mark has the one
    // that counts. An undecodable one is staged as "exists, keep the old".
    if (event.type == EventType::kDeleted) return add(action::StageRemove{});
    add(action::StageUpsert{});
  }

  void advance(std::string_view version) {
    if (!is_resource_version(version)) return;
    if (is_older(version, s_.store_version)) return;
    if (version == s_.store_version) return;
    s_.store_version = version;
    s_.stream_progressed = true;
    succeeded();
    add(action::Advance{s_.store_version});
  }

  void swap(std::string version) {
    s_.store_version = std::move(version);
    s_.synced = true;
    s_.synced_at = now_;
    s_.expired = 0;
    s_.list_unset = false;
    succeeded();
    s_.list_version.clear();
    s_.continue_token.clear();
    add(action::Swap{s_.store_version});
  }

  // The temporary store is dropped and filled anew.
  void resync() {
    add(action::DropStage{});
    add(action::Count{Counter::kRelists});
    s_.list_version.clear();
    s_.continue_token.clear();
    s_.pages = 0;
    if (!o_.watch_list || s_.watch_list_refused) {
      s_.phase = Phase::kListing;
      s_.wake_at.reset();
      return list_page();
    }
    s_.phase = Phase::kInitialWatch;
    start_watch({.resource_version = list_from(),
                 .initial_events = true,
                 .timeout = watch_timeout()});
    set_timer(now_ + o_.end_mark_warning);
  }

  [[nodiscard]] std::string list_from() const {
    return s_.list_unset ? std::string() : s_.store_version;
  }

  void list_page() {
    s_.phase = Phase::kListing;
    ++s_.attempt;
    ListParams params{.limit = o_.list_page_objects,
                      .continue_token = s_.continue_token,
                      .resource_version = {}};
    if (s_.continue_token.empty()) params.resource_version = list_from();
    add(action::StartList{s_.attempt, std::move(params)});
  }

  void watch() {
    assert(s_.synced);
    s_.phase = Phase::kWatching;
    s_.wake_at.reset();
    start_watch({.resource_version = s_.store_version,
                 .initial_events = false,
                 .timeout = watch_timeout()});
  }

  void start_watch(WatchParams params) {
    ++s_.attempt;
    s_.stream_start = now_;
    s_.stream_progressed = false;
    add(action::Count{Counter::kWatches});
    add(action::StartWatch{s_.attempt, std::move(params),
                           watch_timeout() + o_.idle_slack});
  }

  [[nodiscard]] seconds watch_timeout() const {
    return std::min(o_.watch_timeout, kWatchTimeoutMax);
  }

  // 1st: list not older than what we have; 2nd: the newest; then slowly.
  void expired() {
    ++s_.expired;
    s_.list_unset = s_.expired >= 2;
    if (just_synced() || s_.expired > 2) return back_off(Then::kResync);
    resync();
  }

  // The server is behind what we saw (another one answers now).
  void version_too_large() {
    const bool again = std::exchange(s_.list_unset, true);
    if (just_synced() || again) return back_off(Then::kResync);
    resync();
  }

  // A server that refuses what it has just given must not be listed in a loop.
  [[nodiscard]] bool just_synced() const {
    return s_.phase == Phase::kWatching && now_ - s_.synced_at < o_.short_watch;
  }

  void unauthorized(const ApiStatus& status) {
    if (std::exchange(s_.credential_refreshed, true)) {
      warn(Notice::kUnauthorized, describe(status));
      add(action::RefreshCredential{});
      return back_off(same());
    }
    add(action::RefreshCredential{});
    if (s_.phase == Phase::kListing) return list_page();
    if (s_.phase == Phase::kInitialWatch) return resync();
    watch();
  }

  void list_instead(const input::Refused& refused) {
    s_.watch_list_refused = true;
    warn(Notice::kWatchListUnsupported,
         "listing instead: " + describe(refused.status));
    resync();
  }

  void malformed(std::string_view why) {
    add(action::Count{Counter::kMalformed});
    add(action::Cancel{});
    // A list at a version is answered whole, whatever limit is asked for, and
    // may be beyond what one body may hold: the next one comes in pages.
    if (s_.phase == Phase::kListing) s_.list_unset = true;
    warn(Notice::kMalformed, std::string(why));
    failing(std::nullopt);
  }

  // An error that may belong to this version: retried there until a deadline,
  // then the watch gives the version up.
  void failing(std::optional<seconds> retry_after) {
    if (s_.phase != Phase::kWatching) return back_off(same(), retry_after);
    if (!s_.failing_since) s_.failing_since = now_;
    const bool give_up = now_ - *s_.failing_since >= o_.same_version_retry;
    back_off(give_up ? Then::kResync : Then::kRewatch, retry_after);
  }

  void end_mark_is_late() {
    const Mono end = s_.stream_start + watch_timeout() + o_.idle_slack;
    if (now_ >= end) {
      add(action::Cancel{});
      return back_off(Then::kResync);
    }
    warn(Notice::kEndMarkLate, "the end mark of the initial events is late");
    set_timer(end);
  }

  // What failed is tried again: a watch at its version, a sync from its start.
  [[nodiscard]] Then same() const {
    return s_.phase == Phase::kWatching ? Then::kRewatch : Then::kResync;
  }

  void back_off(Then then, std::optional<seconds> at_least = {}) {
    if (s_.backoff_end && now_ - *s_.backoff_end >= o_.backoff_reset_after)
      s_.backoffs = 0;
    const auto exponent = std::min(s_.backoffs, 16u);
    const milliseconds base =
        std::min(o_.backoff_first * (int64_t{1} << exponent), o_.backoff_cap);
    ++s_.backoffs;
    milliseconds delay =
        base + milliseconds(static_cast<int64_t>(
                   jitter_ * static_cast<double>(base.count())));
    if (at_least) delay = std::max(delay, milliseconds(*at_least));
    if (then != Then::kSamePage) add(action::DropStage{});
    add(action::Count{Counter::kBackoffs});
    s_.then = then;
    s_.phase = Phase::kBackoff;
    ++s_.attempt;  // whatever was in flight speaks to nobody now
    set_timer(now_ + delay);
    s_.backoff_end = s_.wake_at;
  }

  void resume() {
    switch (s_.then) {
      case Then::kResync:
        return resync();
      case Then::kSamePage:
        return list_page();
      case Then::kRewatch:
        return watch();
    }
  }

  // ---- small parts --------------------------------------------------------
  // The server let us in; the collection is there.
  void reached() {
    s_.credential_refreshed = false;
    s_.warned &= ~(bit(Notice::kForbidden) | bit(Notice::kUnauthorized) |
                   bit(Notice::kCollectionAbsent));
  }

  // The store got further: whatever was wrong is over.
  void succeeded() {
    s_.warned = 0;
    s_.credential_refreshed = false;
    s_.failing_since.reset();
  }

  void undecodable(const input::Fault& fault) {
    add(action::Count{Counter::kUndecodable});
    add(action::Warn{Notice::kUndecodable,
                     std::string(fault.key) + ": " + std::string(fault.why)});
  }

  static constexpr uint32_t bit(Notice notice) {
    return 1u << static_cast<unsigned>(notice);
  }

  void warn(Notice notice, std::string text) {
    if ((s_.warned & bit(notice)) != 0) return;
    s_.warned |= bit(notice);
    add(action::Warn{notice, std::move(text)});
  }

  void set_timer(Mono at) {
    s_.wake_at = at;
    add(action::SetTimer{at});
  }

  void add(Action action) { actions_.push_back(std::move(action)); }

  const WatchOptions& o_;
  WatchState s_;
  Mono now_;
  double jitter_;
  std::vector<Action> actions_;
};

}  // namespace

Step step(const WatchOptions& options, WatchState state, const Input& input,
          Mono now, double jitter) {
  Machine machine(options, std::move(state), now, jitter);
  machine.run(input);
  return machine.take();
}

}  // namespace chrysalis::kube
