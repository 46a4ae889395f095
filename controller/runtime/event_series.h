#pragma once

// Which notes become events, and when their repeats are written: notes of the
// same object, reason and action within 6 minutes are one event with a count,
// whatever their texts, as with every recorder: a text may hold a time or a
// number, and would make an event of each round of a crash loop. The server
// lets no text change, so the event has the latest one before it was written.
// The first is written, the second at once (it makes the event a series),
// later ones at most every 30 minutes, and once more when the series ends.
// What cannot be written for now waits here, at most kMax events of any
// state; a note that finds no room is counted, never waited for.
//
//   tell -> waiting -> next() -> in flight -> done() -> resting -> forgotten
//              ^-- retry, repeats worth a write --'
//
// Thread-safety: none. PURE.

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "controller/runtime/event_note.h"
#include "src/base/clock.h"

namespace chrysalis::runtime {

class EventSeries {
 public:
  static constexpr size_t kMax = 1000;
  static constexpr seconds kEndsAfter{360};
  static constexpr seconds kRefresh{1'800};
  static constexpr uint32_t kTries = 12;
  static constexpr seconds kRetry{10};

  struct Write {
    uint64_t id = 0;
    bool create = false;  // else a patch of the count
    EventNote note;
    Wall first{};
    int32_t count = 1;
    Wall last{};
  };
  enum class Outcome {
    kWritten,
    kVanished,  // the event to be patched is gone: create it anew
    kRefused,   // for good: forgotten
    kFailed,    // to be tried again
  };

  // False: no room, the note is lost.
  bool tell(EventNote note, Mono now, Wall wall);
  // What to write now; done() answers each. One at a time.
  std::optional<Write> next(Mono now);
  void done(const Write& write, Outcome outcome, Mono now);
  // When next() could have something, if nobody tells a note before.
  [[nodiscard]] std::optional<Mono> wake_at() const;
  // Ends every series: what is not written yet is next().
  void finish();

  [[nodiscard]] size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    EventNote note;
    Wall first{}, last{};
    Mono told_at{};     // the last repeat
    Mono written_at{};  // the last write
    Mono not_before{};  // of a retry
    int32_t count = 1;
    int32_t written = 0;  // the count that is written; 0: no event yet
    uint32_t tries = 0;
    bool queued = false, in_flight = false, ended = false;
    std::list<uint64_t>::iterator by_age;  // unless ended
  };
  static std::string key_of(const EventNote& note);
  void enqueue(uint64_t id, Entry& entry);
  void end(uint64_t id, Entry& entry);
  void end_old(Mono now);
  bool make_room();
  void forget(uint64_t id);

  std::unordered_map<uint64_t, Entry> entries_;
  std::unordered_map<std::string, uint64_t> open_;  // by key; not ended
  std::list<uint64_t> ages_;  // open ones, the longest silent first
  std::deque<uint64_t> queue_;
  uint64_t next_id_ = 1;
};

}  // namespace chrysalis::runtime
