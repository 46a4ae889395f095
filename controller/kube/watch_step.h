#pragma once

// The list/watch machine, one for each watched collection: which request is
// next, what goes to the store, when to wait. PURE: the driver (in
// controller/runtime) does the I/O, tells what came as Inputs, and carries out
// the Actions in their order.
//
//   Idle -start-> InitialWatch -end mark-> Watching <-timer- Backoff
//                  | 400/422                  | 410, too large    ^
//                  v                          v                   |
//                 Listing -last page-> Watching    any other failure
//   any state -stop-> Stopped
//
// Rules of one row each: reference table 1.6 of the controllers' notes; tests
// carry its case numbers.
// The division of labour: the machine knows resourceVersions, never objects.
// The *store* compares uids and makes tombstones when it carries out Swap: a
// key that vanished is delivered as deleted, a key with another uid as deleted
// and then added. An object that came but did not decode keeps, over a Swap,
// the version that the store has: it exists, so it must not look deleted.
// Invariants: the store's version goes back only by Swap; every way out of a
// phase makes progress or passes Backoff; Stopped is final and silent.
// Thread-safety: a function of values.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/kube/api_status.h"
#include "src/base/clock.h"

namespace chrysalis::kube {

struct WatchOptions {
  bool watch_list = true;  // else LIST pages first
  uint32_t list_page_objects = 500;
  uint32_t list_pages_max = 10'000;  // a continue that never ends
  seconds watch_timeout{290};        // asked of the server; at most 295
  seconds idle_slack{5};  // silence of watch_timeout + this: it is dead
  milliseconds backoff_first{800};
  milliseconds backoff_cap{30'000};  // before jitter, which at most doubles it
  seconds backoff_reset_after{120};
  milliseconds short_watch{1'000};  // less, without an event: back off
  seconds end_mark_warning{10};     // WatchList's end mark is late
  seconds same_version_retry{60};   // errors at one version; then relist
};

// ---- what the driver must send -------------------------------------------

struct ListParams {
  uint32_t limit = 0;
  std::string continue_token{};    // set: no resource_version
  std::string resource_version{};  // "": the newest, by quorum; else not older
  friend bool operator==(const ListParams&, const ListParams&) = default;
};

struct WatchParams {
  std::string resource_version{};
  bool initial_events = false;  // WatchList: sendInitialEvents, NotOlderThan
  seconds timeout{0};
  friend bool operator==(const WatchParams&, const WatchParams&) = default;
};

// ---- inputs ---------------------------------------------------------------
// Views are valid during the call. I/O inputs carry the attempt of the Start*
// action that they answer; one of an earlier attempt is ignored.

enum class EventType { kAdded, kModified, kDeleted, kBookmark, kError };

namespace input {
struct Start {};
struct Stop {};
struct Timer {};  // the time of the last SetTimer has come (early: harmless)
struct Fault {    // an object that came and did not decode
  std::string_view key;
  std::string_view why;
};
struct Page {  // 200 of a list, decoded
  std::string_view resource_version;
  std::string_view continue_token;
  std::span<const Fault> faults = {};
};
struct Opened {};  // 200 head of a watch
struct Event {     // ADDED, MODIFIED or DELETED
  EventType type = EventType::kAdded;
  std::string_view resource_version;  // "" if it could not be read
  std::string_view key;               // "namespace/name", for warnings
  bool decoded = true;                // false: `why` says what is wrong
  std::string_view why;
};
struct Bookmark {
  std::string_view resource_version;
  bool initial_events_end = false;
};
struct Refused {  // non-2xx answer, or the Status of an ERROR event
  ApiStatus status;
  bool in_stream = false;  // an ERROR event: the stream is still open
};
struct Ended {};  // the watch ended cleanly (EOF, last chunk)
struct Broken {   // refused, reset, TLS, a deadline (idle or whole)
  std::string_view why;
};
struct Malformed {  // too long a frame, no JSON, a Table, a wrong kind
  std::string_view why;
};
}  // namespace input

struct Input {
  uint64_t attempt = 0;  // ignored for Start, Stop and Timer
  std::variant<input::Start, input::Stop, input::Timer, input::Page,
               input::Opened, input::Event, input::Bookmark, input::Refused,
               input::Ended, input::Broken, input::Malformed>
      what;
};

// ---- actions --------------------------------------------------------------

enum class Counter {
  kRelists,  // every begun list or WatchList, the first included
  kWatches,  // every begun watch
  kBackoffs,
  kStaleEvents,        // older than the store; dropped
  kUndecodable,        // objects skipped
  kUnexpectedEndMark,  // an end mark after the sync
  kMalformed,
};

enum class Notice {  // what was warned of, each once until the next success
  kForbidden,
  kCollectionAbsent,  // 404: the CRD is not installed (yet)
  kUnauthorized,
  kRefused,
  kMalformed,
  kBroken,
  kEndMarkLate,
  kWatchListUnsupported,
  kEndlessList,
  kUndecodable,  // of one object; never suppressed
};

namespace action {
struct StartList {
  uint64_t attempt = 0;
  ListParams params;
};
struct StartWatch {
  uint64_t attempt = 0;
  WatchParams params;
  seconds idle_deadline{0};  // silence after which the transport gives up
};
struct Cancel {};     // end the I/O in flight; its inputs are stale now
struct DropStage {};  // forget the temporary store
struct StagePage {};  // add this page's objects to the temporary store
// Of an event that did not decode: "it exists, keep what the store has".
struct StageUpsert {};  // this event's object, into the temporary store
struct StageRemove {};
struct Swap {  // the temporary store becomes the store, at once
  std::string resource_version;
};
struct Upsert {};  // this event's object, into the store
struct Remove {};  // by key; an undecodable DELETED has one too
struct Advance {   // the store is as of this; releases version gates
  std::string resource_version;
};
struct SetTimer {  // replaces the one before; runs beside I/O in flight
  Mono at;
};
struct Warn {
  Notice notice{};
  std::string text;
};
struct Count {
  Counter counter{};
};
struct RefreshCredential {};
}  // namespace action

using Action =
    std::variant<action::StartList, action::StartWatch, action::Cancel,
                 action::DropStage, action::StagePage, action::StageUpsert,
                 action::StageRemove, action::Swap, action::Upsert,
                 action::Remove, action::Advance, action::SetTimer,
                 action::Warn, action::Count, action::RefreshCredential>;

// ---- state ----------------------------------------------------------------

enum class Phase {
  kIdle,          // before Start
  kListing,       // LIST pages into the temporary store
  kInitialWatch,  // a WatchList stream before its end mark
  kWatching,      // the store follows the stream
  kBackoff,       // nothing in flight; `then` is next, at `wake_at`
  kStopped,
};

enum class Then { kResync, kSamePage, kRewatch };

struct WatchState {
  Phase phase = Phase::kIdle;
  uint64_t attempt = 0;
  std::string store_version;  // "" before the first Swap
  bool synced = false;        // a Swap happened; the store may be read

  std::string list_version;  // that of page 1
  std::string continue_token;
  uint32_t pages = 0;
  bool list_unset = false;  // the store's version is of no use for a list
  uint32_t expired = 0;     // 410s since the last Swap
  bool watch_list_refused = false;

  Then then = Then::kResync;
  std::optional<Mono> wake_at;  // what SetTimer asked for last
  uint32_t backoffs = 0;        // exponent of the next delay
  std::optional<Mono> backoff_end;
  std::optional<Mono> failing_since;  // errors at this version
  Mono stream_start{};
  Mono synced_at{};
  bool stream_progressed = false;
  bool credential_refreshed = false;
  uint32_t warned = 0;  // bits by Notice
};

struct Step {
  WatchState state;
  std::vector<Action> actions;
};

// `jitter` is a fresh random number in [0, 1).
[[nodiscard]] Step step(const WatchOptions& options, WatchState state,
                        const Input& input, Mono now, double jitter);

}  // namespace chrysalis::kube
