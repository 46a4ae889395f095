#include "controller/runtime/event_series.h"

#include <algorithm>
#include <utility>

namespace chrysalis::runtime {

std::string EventSeries::key_of(const EventNote& note) {
  std::string key;
  for (const std::string* part :
       {&note.uid, &note.key.ns, &note.key.name, &note.reason, &note.action}) {
    key += *part;
    key += '\0';
  }
  key += note.warning ? 'W' : 'N';
  key += std::to_string(static_cast<int>(note.kind));
  return key;
}

bool EventSeries::tell(EventNote note, Mono now, Wall wall) {
  end_old(now);
  std::string key = key_of(note);
  if (const auto known = open_.find(key); known != open_.end()) {
    Entry& entry = entries_.at(known->second);
    ++entry.count;
    entry.note.message = std::move(note.message);
    entry.last = wall;
    entry.told_at = now;
    ages_.splice(ages_.end(), ages_, entry.by_age);
    const bool second = entry.written == 1;
    if (second || (entry.written > 1 && now - entry.written_at >= kRefresh))
      enqueue(known->second, entry);
    return true;
  }
  if (entries_.size() >= kMax && !make_room()) return false;
  const uint64_t id = next_id_++;
  open_.emplace(key, id);
  Entry& entry = entries_[id];
  entry.key = std::move(key);
  entry.note = std::move(note);
  entry.first = entry.last = wall;
  entry.told_at = now;
  entry.by_age = ages_.insert(ages_.end(), id);
  enqueue(id, entry);
  return true;
}

std::optional<EventSeries::Write> EventSeries::next(Mono now) {
  end_old(now);
  const auto due = std::ranges::find_if(
      queue_, [&](uint64_t id) { return entries_.at(id).not_before <= now; });
  if (due == queue_.end()) return std::nullopt;
  const uint64_t id = *due;
  queue_.erase(due);
  Entry& entry = entries_.at(id);
  entry.queued = false;
  entry.in_flight = true;
  return Write{.id = id,
               .create = entry.written == 0,
               .note = entry.note,
               .first = entry.first,
               .count = entry.count,
               .last = entry.last};
}

void EventSeries::done(const Write& write, Outcome outcome, Mono now) {
  Entry& entry = entries_.at(write.id);
  entry.in_flight = false;
  switch (outcome) {
    case Outcome::kWritten:
      entry.written = write.count;
      entry.written_at = now;
      entry.tries = 0;
      break;
    case Outcome::kVanished:
      entry.written = 0;
      [[fallthrough]];
    case Outcome::kFailed:
      if (++entry.tries >= kTries) return forget(write.id);
      if (outcome == Outcome::kFailed) entry.not_before = now + kRetry;
      return enqueue(write.id, entry);
    case Outcome::kRefused:
      return forget(write.id);
  }
  const bool unsaid = entry.count > entry.written;
  if (unsaid && (entry.ended || entry.written == 1)) {
    enqueue(write.id, entry);
  } else if (entry.ended) {
    forget(write.id);
  }
}

std::optional<Mono> EventSeries::wake_at() const {
  std::optional<Mono> at;
  if (!ages_.empty()) at = entries_.at(ages_.front()).told_at + kEndsAfter;
  for (const uint64_t id : queue_) {
    const Mono due = entries_.at(id).not_before;
    at = std::min(at.value_or(due), due);
  }
  return at;
}

void EventSeries::finish() {
  while (!ages_.empty()) end(ages_.front(), entries_.at(ages_.front()));
}

void EventSeries::enqueue(uint64_t id, Entry& entry) {
  if (entry.queued || entry.in_flight) return;
  entry.queued = true;
  queue_.push_back(id);
}

// Its next repeat is a new event.
void EventSeries::end(uint64_t id, Entry& entry) {
  entry.ended = true;
  ages_.erase(entry.by_age);
  open_.erase(entry.key);
  if (entry.in_flight || entry.queued) return;
  if (entry.count > entry.written) return enqueue(id, entry);
  forget(id);
}

void EventSeries::end_old(Mono now) {
  while (!ages_.empty()) {
    const uint64_t oldest = ages_.front();
    Entry& entry = entries_.at(oldest);
    if (now - entry.told_at < kEndsAfter) return;
    end(oldest, entry);
  }
}

// The longest silent one of which everything is written.
bool EventSeries::make_room() {
  for (const uint64_t id : ages_) {
    const Entry& entry = entries_.at(id);
    if (entry.queued || entry.in_flight || entry.count > entry.written)
      continue;
    forget(id);
    return true;
  }
  return false;
}

void EventSeries::forget(uint64_t id) {
  const auto found = entries_.find(id);
  Entry& entry = found->second;
  if (!entry.ended) {
    ages_.erase(entry.by_age);
    open_.erase(entry.key);
  }
  if (entry.queued) std::erase(queue_, id);
  entries_.erase(found);
}

}  // namespace chrysalis::runtime
