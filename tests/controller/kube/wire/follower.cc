#include "tests/controller/kube/wire/follower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "controller/kube/client.h"
#include "controller/kube/line_splitter.h"

namespace chrysalis::kube::testing {
namespace {

constexpr seconds kPatience{60};

Mono real_now() { return std::chrono::steady_clock::now(); }

}  // namespace

// Lines of one watch to inputs, on the thread that follows.
class Follower::Sink final : public StreamSink {
 public:
  Sink(Follower& follower, uint64_t attempt)
      : follower_(follower), attempt_(attempt) {}

  bool opened() override {
    follower_.feed({attempt_, input::Opened{}});
    return goes_on();
  }
  bool data(std::string_view piece) override {
    const auto fed =
        splitter_.feed(piece, [this](PaddedJson line) { return event(line); });
    if (!fed) follower_.feed({attempt_, input::Malformed{fed.error().message}});
    return goes_on();
  }
  std::optional<Mono> wake() override { return std::nullopt; }

 private:
  [[nodiscard]] bool goes_on() const {
    return !follower_.cancelled_ && !follower_.over();
  }
  bool event(PaddedJson line) {
    const auto event = follower_.decoder_.event(line);
    if (!event)
      follower_.feed({attempt_, input::Malformed{event.error().message}});
    else
      feed(*event);
    return goes_on();
  }
  void feed(const WatchEvent& event) {
    const std::string& version = event.meta.resource_version;
    if (event.type == EventType::kError)
      return follower_.feed({attempt_, input::Refused{event.status, true}});
    if (event.type == EventType::kBookmark)
      return follower_.feed(
          {attempt_, input::Bookmark{version, event.initial_events_end}});
    const std::string key = event.meta.key();
    follower_.object_ = {key, version};
    follower_.feed({attempt_, input::Event{event.type, version, key,
                                           event.fault.empty(), event.fault}});
  }

  Follower& follower_;
  const uint64_t attempt_;
  LineSplitter splitter_;
};

Follower::Follower(Transport& transport, Collection collection,
                   WatchOptions options)
    : transport_(transport),
      collection_(std::move(collection)),
      options_(options),
      decoder_(kind_name(collection_.resource)) {}

bool Follower::over() const { return done_() || real_now() >= give_up_; }

bool Follower::follow_until(const std::function<bool()>& done) {
  done_ = done;
  give_up_ = real_now() + kPatience;
  if (state_.phase == Phase::kIdle) feed({0, input::Start{}});
  while (!over()) {
    if (list_)
      run_list(*std::exchange(list_, std::nullopt));
    else if (watch_)
      run_watch(*std::exchange(watch_, std::nullopt));
    else
      sleep_until_timer();
  }
  if (done_()) return true;
  for (const std::string& line : log_) ADD_FAILURE() << line;
  return false;
}

int Follower::logged(const std::string& line) const {
  return static_cast<int>(std::ranges::count(log_, line));
}

void Follower::run_watch(const action::StartWatch& start) {
  cancelled_ = false;
  Sink sink(*this, start.attempt);
  StreamLimits limits;
  limits.idle = kPatience;
  const auto end = transport_.stream(watch_request(collection_, start.params),
                                     sink, limits, {});
  if (!end)
    feed({start.attempt, input::Broken{end.error().message}});
  else if (end->refused)
    refused(start.attempt, *end->refused);
  else if (end->end == StreamEnd::kEof)
    feed({start.attempt, input::Ended{}});
}

void Follower::run_list(const action::StartList& start) {
  const auto answer = transport_.send(list_request(collection_, start.params),
                                      real_now() + kPatience, {});
  if (!answer)
    return feed({start.attempt, input::Broken{answer.error().message}});
  if (!answer->ok()) return refused(start.attempt, *answer);
  page_.clear();
  const PaddedCopy body(answer->body);
  const auto page = decoder_.page(body.json(), [this](ListItem&& item) {
    page_[item.meta.key()] = item.meta.resource_version;
  });
  if (!page)
    return feed({start.attempt, input::Malformed{page.error().message}});
  feed({start.attempt,
        input::Page{page->resource_version, page->continue_token}});
}

void Follower::refused(uint64_t attempt, const Response& answer) {
  feed({attempt, input::Refused{status_of(answer), false}});
}

void Follower::sleep_until_timer() {
  if (!state_.wake_at) {
    log_.emplace_back("nothing is next");
    give_up_ = {};
    return;
  }
  const auto delay = *state_.wake_at - clock_.mono();
  backoffs_.push_back(std::chrono::duration_cast<milliseconds>(delay));
  clock_.advance(delay);
  feed({0, input::Timer{}});
}

void Follower::feed(Input input) {
  Step next = step(options_, std::move(state_), input, clock_.mono(), 0);
  state_ = std::move(next.state);
  for (const Action& action : next.actions) act(action);
}

void Follower::act(const Action& action) {
  std::visit([this](const auto& what) { on(what); }, action);
}

void Follower::on(const action::StartList& start) {
  list_ = start;
  log_.push_back("list " + start.params.resource_version);
}

void Follower::on(const action::StartWatch& start) {
  watch_ = start;
  log_.push_back((start.params.initial_events ? "initial watch " : "watch ") +
                 start.params.resource_version);
}

void Follower::on(const action::StagePage&) {
  stage_.insert(page_.begin(), page_.end());
  staged();
}

void Follower::on(const action::StageUpsert&) {
  stage_[object_.first] = object_.second;
  staged();
}

void Follower::staged() {
  log_.push_back("stage " + std::to_string(stage_.size()) + ", store " +
                 std::to_string(store_.size()));
}

void Follower::on(const action::Swap&) {
  store_ = std::exchange(stage_, {});
  log_.push_back("swap " + std::to_string(store_.size()));
}

void Follower::on(const action::Upsert&) {
  store_[object_.first] = object_.second;
  log_.push_back("upsert " + object_.first);
}

void Follower::on(const action::Remove&) {
  store_.erase(object_.first);
  log_.push_back("remove " + object_.first);
}

}  // namespace chrysalis::kube::testing
