#include "controller/runtime/cluster/event_recorder.h"

#include <cstdio>
#include <utility>

#include "controller/api/names.h"
#include "src/base/log.h"

namespace chrysalis::runtime {
namespace {

kube::ClientOptions client_options() {
  kube::ClientOptions options;
  options.call_timeout = EventRecorder::kCall;
  options.tries = 2;  // a 401; the rest is tried again from the series
  return options;
}

// As every recorder names them: what it is about, and when to the nanosecond.
std::string name_of(const EventSeries::Write& write) {
  char hex[24];
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(
      write.first.time_since_epoch());
  std::snprintf(hex, sizeof hex, ".%llx",
                static_cast<unsigned long long>(nanos.count()));
  return write.note.key.name + hex;
}

}  // namespace

EventRecorder::EventRecorder(kube::Transport& transport, Timer& timer,
                             EventSource source)
    : timer_(timer),
      source_(std::move(source)),
      client_(transport, timer, cancel_.get_token(), client_options()),
      thread_([this] { run(); }) {}

EventRecorder::~EventRecorder() { stop(timer_.mono()); }

void EventRecorder::tell(EventNote note) {
  const std::lock_guard lock(mutex_);
  if (flush_until_ ||
      !series_.tell(std::move(note), timer_.mono(), timer_.wall())) {
    ++counts_.dropped;
    return;
  }
  told_ = true;
  wake_.notify_all();
}

void EventRecorder::stop(Mono flush_until) {
  {
    std::unique_lock lock(mutex_);
    if (!flush_until_) {
      flush_until_ = flush_until;
      series_.finish();
      wake_.notify_all();
    }
    while (!ended_ && timer_.mono() < flush_until)
      timer_.wait(lock, wake_, flush_until);
  }
  cancel_.request_stop();
  if (thread_.joinable()) thread_.join();
}

EventRecorder::Counts EventRecorder::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void EventRecorder::run() {
  std::unique_lock lock(mutex_);
  while (!flush_until_) {
    told_ = false;
    if (const auto write = series_.next(timer_.mono())) {
      perform(*write, lock);
    } else {
      wait(lock, series_.wake_at());
    }
  }
  // Once each: what fails now is queued anew behind a time that never comes.
  const Mono retried = timer_.mono() + EventSeries::kRetry;
  while (timer_.mono() < *flush_until_) {
    const auto write = series_.next(retried - std::chrono::nanoseconds(1));
    if (!write) break;
    perform(*write, lock);
  }
  ended_ = true;
  wake_.notify_all();
}

void EventRecorder::perform(const Write& write,
                            std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  const Sent sent = send(write);
  lock.lock();
  series_.done(write, sent.outcome, timer_.mono());
  if (sent.outcome == Outcome::kWritten) ++counts_.written;
  if (sent.outcome == Outcome::kRefused) ++counts_.refused;
  if (sent.outcome == Outcome::kFailed) ++counts_.failed;
  if (!sent.pause) return;
  const Mono until = timer_.mono() + kPause;
  while (!flush_until_ && timer_.mono() < until)
    timer_.wait(lock, wake_, until);
}

EventRecorder::Sent EventRecorder::send(const Write& write) {
  const kube::Event event = event_of(write);
  const auto answer =
      write.create ? client_.create_event(event)
                   : client_.patch_event(event, {write.count, write.last});
  if (answer)
    return answer->ok() ? Sent{} : refused(write, kube::status_of(*answer));
  const Code code = answer.error().code;
  if (code == Code::kTimeout || code == Code::kUnavailable)
    return {Outcome::kFailed, /*pause=*/true};
  return give_up(write, answer.error().message);
}

EventRecorder::Sent EventRecorder::refused(const Write& write,
                                           const kube::ApiStatus& status) {
  switch (kube::classify(status)) {
    case kube::Refusal::kAlreadyExists:
    case kube::Refusal::kConflict:
    case kube::Refusal::kFieldManagerConflict:
    case kube::Refusal::kExpired:  // created: one of ours, answered unheard
      return {write.create ? Outcome::kWritten : Outcome::kFailed};
    case kube::Refusal::kNotFound:  // patched: it was too old to be kept
      return {write.create ? Outcome::kRefused : Outcome::kVanished};
    case kube::Refusal::kUnauthorized:
    case kube::Refusal::kTooManyRequests:
      return {Outcome::kFailed, /*pause=*/true};
    case kube::Refusal::kVersionTooLarge:
    case kube::Refusal::kServer:
      return {Outcome::kFailed};
    case kube::Refusal::kForbidden:
    case kube::Refusal::kInvalid:
    case kube::Refusal::kTooLarge:
    case kube::Refusal::kRedirect:
    case kube::Refusal::kOther:
      return give_up(write, kube::describe(status));
  }
  return {Outcome::kFailed};
}

// Said once a reason: a namespace that goes refuses many.
EventRecorder::Sent EventRecorder::give_up(const Write& write,
                                           const std::string& why) {
  if (warned_.insert(write.note.reason).second)
    log::warning("event refused", {{"object", to_string(write.note.key)},
                                   {"reason", write.note.reason},
                                   {"error", why}});
  return {Outcome::kRefused};
}

void EventRecorder::wait(std::unique_lock<std::mutex>& lock,
                         std::optional<Mono> until) {
  while (!told_ && !flush_until_ && (!until || timer_.mono() < *until))
    timer_.wait(lock, wake_, until);
}

kube::Event EventRecorder::event_of(const Write& write) const {
  const EventNote& note = write.note;
  kube::Event event;
  event.name = name_of(write);
  event.subject = {.api_version = std::string(api::kApiVersion),
                   .kind = std::string(api::names_of(note.kind).kind),
                   .ns = note.key.ns,
                   .name = note.key.name,
                   .uid = note.uid};
  event.warning = note.warning;
  event.reason = note.reason;
  event.action = note.action;
  event.note = note.message;
  event.controller = source_.controller;
  event.instance = source_.instance;
  event.at = write.first;
  if (write.count > 1)
    event.series = kube::EventSeries{write.count, write.last};
  return event;
}

}  // namespace chrysalis::runtime
