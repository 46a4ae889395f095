#include "tests/bench/drive/watcher.h"

#include <iostream>
#include <utility>

namespace chrysalis::bench {
namespace {

using nlohmann::json;

constexpr seconds kOpenWithin{20};
constexpr int kOpenTries = 30;

std::string text_at(const json& object, const char* pointer) {
  const json::json_pointer at(pointer);
  if (!object.contains(at)) return "";
  const json& value = object.at(at);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

Watcher::Watcher(kube::Transport& transport, const kube::Resource& resource)
    : transport_(transport), thread_([this, resource] { run(resource); }) {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, kOpenWithin, [this] { return open_; });
}

Watcher::~Watcher() {
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    came_.notify_all();
  }
  thread_.join();
}

void Watcher::run(const kube::Resource& resource) {
  const kube::Request request =
      kube::watch_request({.resource = resource}, {.resource_version = "",
                                                   .initial_events = true,
                                                   .timeout = seconds{600}});
  kube::StreamLimits limits;
  limits.idle = seconds{600};
  // A definition that is new answers 429 for a moment.
  for (int i = 0; i < kOpenTries && !stop_.stop_requested(); ++i) {
    const auto outcome =
        transport_.stream(request, *this, limits, stop_.get_token());
    if (stop_.stop_requested()) return;
    const bool again = outcome && outcome->refused;
    std::unique_lock lock(mutex_);
    if (again &&
        !came_.wait_for(lock, milliseconds{500}, [this] { return closing_; }))
      continue;
    std::cerr << "bench: the watch of " << resource.plural << " ended: "
              << (outcome ? "by the server" : outcome.error().message) << "\n";
    return;
  }
}

bool Watcher::opened() {
  const std::lock_guard lock(mutex_);
  open_ = true;
  came_.notify_all();
  return true;
}

bool Watcher::data(std::string_view piece) {
  const Mono at = Mono::clock::now();
  return bool(splitter_.feed(piece, [&](kube::PaddedJson text) {
    line(text.text(), at);
    return true;
  }));
}

void Watcher::line(std::string_view text, Mono at) {
  json event = json::parse(text, nullptr, false);
  if (!event.is_object() || !event.contains("object")) return;
  Seen seen{.at = at,
            .type = text_at(event, "/type"),
            .bytes = text.size(),
            .object = std::move(event["object"])};
  const std::string name = text_at(seen.object, "/metadata/name");
  const std::lock_guard lock(mutex_);
  ++events_;
  seen_[name].push_back(std::move(seen));
  came_.notify_all();
}

Result<Seen> Watcher::wait(const std::string& name, const Holds& holds,
                           seconds within) {
  const Mono deadline = Mono::clock::now() + within;
  std::unique_lock lock(mutex_);
  for (;;) {
    for (const Seen& seen : seen_[name])
      if (holds(seen)) return seen;
    if (came_.wait_until(lock, deadline) == std::cv_status::no_timeout)
      continue;
    const auto& all = seen_[name];
    return fail(Code::kTimeout,
                name + " did not get there; last: " +
                    (all.empty() ? "nothing" : all.back().object.dump()));
  }
}

size_t Watcher::wait_for_many(size_t count, const Holds& holds,
                              seconds within) {
  const Mono deadline = Mono::clock::now() + within;
  std::unique_lock lock(mutex_);
  for (;;) {
    size_t there = 0;
    for (const auto& [name, all] : seen_)
      there += !all.empty() && holds(all.back()) ? 1 : 0;
    if (there >= count || Mono::clock::now() > deadline) return there;
    // Not at each event: to count is to look at all objects.
    const uint64_t before = events_;
    came_.wait_for(lock, milliseconds{200},
                   [&] { return events_ > before + 100; });
  }
}

std::vector<Seen> Watcher::take(const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto node = seen_.extract(name);
  return node.empty() ? std::vector<Seen>{} : std::move(node.mapped());
}

bool Watcher::silent_for(seconds time) {
  std::unique_lock lock(mutex_);
  const uint64_t before = events_;
  return !came_.wait_for(lock, time, [&] { return events_ != before; });
}

bool has_phase(const Seen& seen, std::string_view phase) {
  return text_at(seen.object, "/status/phase") == phase;
}

bool is_ready(const Seen& seen) {
  const json::json_pointer at("/status/conditions");
  if (!seen.object.contains(at)) return false;
  for (const json& condition : seen.object.at(at))
    if (text_at(condition, "/type") == "Ready")
      return text_at(condition, "/status") == "True";
  return false;
}

bool is_deleted(const Seen& seen) { return seen.type == "DELETED"; }

}  // namespace chrysalis::bench
