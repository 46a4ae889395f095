#include "controller/runtime/cluster/reflector.h"

#include <cassert>
#include <exception>
#include <random>
#include <type_traits>
#include <utility>
#include <variant>

#include "controller/kube/client.h"
#include "controller/kube/line_splitter.h"
#include "src/base/log.h"

namespace chrysalis::runtime {

namespace action = kube::action;
namespace input = kube::input;

namespace {

constexpr std::string_view kMetadataOnly =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr std::string_view kMetadataOnlyList =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

kube::KindName expected(const kube::Collection& collection,
                        const ReflectorOptions& options) {
  if (options.metadata_only) return {"meta.k8s.io/v1", "PartialObjectMetadata"};
  return kube::kind_name(collection.resource);
}

std::function<double()> random_jitter() {
  return [random = std::mt19937{std::random_device{}()}]() mutable {
    return std::uniform_real_distribution<double>(0.0, 1.0)(random);
  };
}

ReflectorOptions complete(ReflectorOptions options) {
  if (!options.jitter) options.jitter = random_jitter();
  return options;
}

std::string_view text_of(kube::Notice notice) {
  switch (notice) {
    case kube::Notice::kForbidden:
      return "may not be read";
    case kube::Notice::kCollectionAbsent:
      return "is not there (yet)";
    case kube::Notice::kUnauthorized:
      return "refused our credential";
    case kube::Notice::kRefused:
      return "was refused";
    case kube::Notice::kMalformed:
      return "answered nonsense";
    case kube::Notice::kBroken:
      return "is not reachable";
    case kube::Notice::kEndMarkLate:
      return "is slow to begin";
    case kube::Notice::kWatchListUnsupported:
      return "cannot be watched from its start";
    case kube::Notice::kEndlessList:
      return "has a list without an end";
    case kube::Notice::kUndecodable:
      return "has an object that is skipped";
  }
  return "";
}

}  // namespace

class Reflector::Sink final : public kube::StreamSink {
 public:
  Sink(Reflector& owner, uint64_t attempt) : owner_(owner), attempt_(attempt) {}

  bool opened() override {
    owner_.feed(attempt_, input::Opened{});
    return owner_.streams(attempt_);
  }
  bool data(std::string_view piece) override {
    if (!owner_.streams(attempt_)) return false;  // wake() ended it
    const auto fed = splitter_.feed(piece, [this](kube::PaddedJson text) {
      owner_.line(attempt_, text);
      return owner_.streams(attempt_);
    });
    if (!fed) owner_.feed(attempt_, input::Malformed{fed.error().message});
    return owner_.streams(attempt_);
  }
  std::optional<Mono> wake() override {
    owner_.feed(attempt_, input::Timer{});
    if (!owner_.streams(attempt_)) return std::nullopt;
    return owner_.state_.wake_at;
  }
  [[nodiscard]] bool torn() const { return splitter_.pending() != 0; }

 private:
  Reflector& owner_;
  const uint64_t attempt_;
  kube::LineSplitter splitter_;
};

Reflector::Reflector(Deps deps, kube::Collection collection,
                     ProjectObject project, ReflectorOptions options)
    : deps_(deps),
      collection_(std::move(collection)),
      project_(std::move(project)),
      options_(complete(std::move(options))),
      decoder_(expected(collection_, options_)) {}

Reflector::~Reflector() { stop(); }

void Reflector::start() {
  assert(!thread_.joinable());
  thread_ = std::thread([this] { run(); });
}

void Reflector::stop() {
  assert(thread_.get_id() != std::this_thread::get_id());
  stop_.request_stop();
  {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Reflector::wait_until_synced(Mono deadline) {
  std::unique_lock lock(mutex_);
  while (!synced_ && !stop_.stop_requested() && deps_.timer.mono() < deadline)
    deps_.timer.wait(lock, wake_, deadline);
  return synced_;
}

uint64_t Reflector::count(kube::Counter counter) const {
  return counts_[static_cast<size_t>(counter)];
}

void Reflector::run() {
  const std::stop_token stop = stop_.get_token();
  feed(0, input::Start{});
  while (!stop.stop_requested()) {
    if (const auto next = std::exchange(next_list_, std::nullopt)) {
      list(*next, stop);
    } else if (const auto stream = std::exchange(next_watch_, std::nullopt)) {
      watch(*stream, stop);
    } else {
      wait_for_timer(stop);
    }
  }
  feed(0, input::Stop{});
}

void Reflector::wait_for_timer(const std::stop_token& stop) {
  assert(state_.wake_at);  // every way on is a request or a time
  {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested() && deps_.timer.mono() < *state_.wake_at)
      deps_.timer.wait(lock, wake_, *state_.wake_at);
  }
  if (!stop.stop_requested()) feed(0, input::Timer{});
}

void Reflector::list(const action::StartList& request,
                     const std::stop_token& stop) {
  kube::Request wire = kube::list_request(collection_, request.params);
  if (options_.metadata_only) wire.accept = kMetadataOnlyList;
  auto answer = deps_.transport.send(
      wire, deps_.timer.mono() + options_.list_timeout, stop);
  if (stop.stop_requested()) return;
  if (!answer) return failed(request.attempt, answer.error());
  if (!answer->ok())
    return feed(request.attempt, input::Refused{kube::status_of(*answer)});

  page_.clear();
  const size_t size = answer->body.size();
  answer->body.append(kube::kJsonPadding, ' ');
  const auto page =
      decoder_.page({answer->body.data(), size}, [this](kube::ListItem&& item) {
        page_.push_back(item_of(std::move(item.meta), item.object,
                                std::move(item.fault), /*wanted=*/true));
      });
  if (!page)
    return feed(request.attempt, input::Malformed{page.error().message});
  std::vector<std::string> keys;
  keys.reserve(page_.size());
  std::vector<input::Fault> faults;
  for (const Item& item : page_) {
    if (item.decoded()) continue;
    faults.push_back({keys.emplace_back(to_string(item.key)), item.fault});
  }
  feed(request.attempt,
       input::Page{page->resource_version, page->continue_token, faults});
  page_.clear();
}

void Reflector::watch(const action::StartWatch& request,
                      const std::stop_token& stop) {
  kube::Request wire = kube::watch_request(collection_, request.params);
  if (options_.metadata_only) wire.accept = kMetadataOnly;
  stream_ = std::stop_source();
  const std::stop_callback link(stop, [this] { stream_.request_stop(); });
  Sink sink(*this, request.attempt);
  const kube::StreamLimits limits{.head = kube::StreamLimits{}.head,
                                  .idle = request.idle_deadline,
                                  .wake_at = state_.wake_at};
  const auto outcome =
      deps_.transport.stream(wire, sink, limits, stream_.get_token());
  if (stop.stop_requested() || !streams(request.attempt)) return;
  if (!outcome) return failed(request.attempt, outcome.error());
  if (outcome->refused)
    return feed(request.attempt,
                input::Refused{kube::status_of(*outcome->refused)});
  if (sink.torn())
    return feed(request.attempt, input::Broken{"ended inside an event"});
  feed(request.attempt, input::Ended{});
}

void Reflector::failed(uint64_t attempt, const Error& error) {
  if (error.code == Code::kCorrupt)
    return feed(attempt, input::Malformed{error.message});
  feed(attempt, input::Broken{error.message});
}

bool Reflector::streams(uint64_t attempt) const {
  return state_.attempt == attempt &&
         (state_.phase == kube::Phase::kInitialWatch ||
          state_.phase == kube::Phase::kWatching);
}

void Reflector::line(uint64_t attempt, kube::PaddedJson text) {
  auto event = decoder_.event(text);
  if (!event) return feed(attempt, input::Malformed{event.error().message});
  if (event->type == kube::EventType::kError)
    return feed(attempt, input::Refused{std::move(event->status), true});
  if (event->type == kube::EventType::kBookmark)
    return feed(attempt, input::Bookmark{event->meta.resource_version,
                                         event->initial_events_end});
  const bool wanted = event->type != kube::EventType::kDeleted;
  item_ = item_of(std::move(event->meta), event->object,
                  std::move(event->fault), wanted);
  item_->modified = event->type == kube::EventType::kModified;
  const std::string key = to_string(item_->key);
  const std::string version = item_->stored.resource_version;
  const std::string fault = item_->fault;
  feed(attempt, input::Event{.type = event->type,
                             .resource_version = version,
                             .key = key,
                             .decoded = fault.empty(),
                             .why = fault});
  item_.reset();
}

// A DELETED event needs its key alone, so its object is not projected.
Reflector::Item Reflector::item_of(kube::ObjectMeta meta,
                                   kube::PaddedJson object, std::string fault,
                                   bool wanted) const {
  Item item{.key = {meta.ns, meta.name},
            .stored = {.uid = meta.uid,
                       .resource_version = meta.resource_version,
                       .object = nullptr},
            .fault = std::move(fault)};
  if (!item.decoded() || !wanted) return item;
  auto projected = projected_of(meta, object);
  if (projected) {
    item.stored.object = std::move(*projected);
  } else {
    item.fault = projected.error().message;
    if (item.fault.empty()) item.fault = "does not fit its kind";
  }
  return item;
}

// One object that makes a projection throw is skipped like any other that
// does not fit: the watch of all the others goes on.
Result<std::shared_ptr<const void>> Reflector::projected_of(
    const kube::ObjectMeta& meta, kube::PaddedJson object) const {
  try {
    return project_(meta, object);
  } catch (const std::exception& e) {
    return fail(Code::kInvalid,
                std::string("its projection threw: ") + e.what());
  } catch (...) {
    return fail(Code::kInvalid, "its projection threw");
  }
}

void Reflector::stage(Item item) {
  if (item.decoded()) {
    stage_.upsert(item.key, std::move(item.stored));
  } else if (!item.key.name.empty()) {
    stage_.keep(item.key);
  }
}

template <class What>
void Reflector::feed(uint64_t attempt, What what) {
  kube::Step step =
      kube::step(options_.watch, std::move(state_), {attempt, std::move(what)},
                 deps_.timer.mono(), options_.jitter());
  state_ = std::move(step.state);
  for (const kube::Action& next : step.actions) carry_out(next);
}

void Reflector::carry_out(const kube::Action& next) {
  std::visit(
      [this]<class A>(const A& a) {
        if constexpr (std::is_same_v<A, action::StartList>) {
          next_list_ = a;
        } else if constexpr (std::is_same_v<A, action::StartWatch>) {
          next_watch_ = a;
        } else if constexpr (std::is_same_v<A, action::Cancel>) {
          stream_.request_stop();
        } else if constexpr (std::is_same_v<A, action::DropStage>) {
          stage_.clear();
        } else if constexpr (std::is_same_v<A, action::StagePage>) {
          for (Item& item : page_) stage(std::move(item));
        } else if constexpr (std::is_same_v<A, action::StageUpsert>) {
          stage(std::move(*item_));
        } else if constexpr (std::is_same_v<A, action::StageRemove>) {
          stage_.remove(item_->key);
        } else if constexpr (std::is_same_v<A, action::Swap>) {
          swap(a.resource_version);
        } else if constexpr (std::is_same_v<A, action::Upsert>) {
          deps_.store.upsert(item_->key, std::move(item_->stored),
                             item_->modified);
        } else if constexpr (std::is_same_v<A, action::Remove>) {
          deps_.store.remove(item_->key, item_->stored.resource_version);
        } else if constexpr (std::is_same_v<A, action::Advance>) {
          deps_.store.advance(a.resource_version);
        } else if constexpr (std::is_same_v<A, action::Warn>) {
          warn(a);
        } else if constexpr (std::is_same_v<A, action::Count>) {
          ++counts_[static_cast<size_t>(a.counter)];
        } else if constexpr (std::is_same_v<A, action::RefreshCredential>) {
          deps_.transport.refresh_credential();
        } else {
          static_assert(std::is_same_v<A, action::SetTimer>);  // state_ has it
        }
      },
      next);
}

void Reflector::swap(const std::string& version) {
  deps_.store.swap(std::exchange(stage_, {}), version);
  log::info("watching", {{"resource", collection_.resource.plural},
                         {"objects", deps_.store.size()},
                         {"version", version}});
  if (synced_) return;
  {
    const std::lock_guard lock(mutex_);
    synced_ = true;
    wake_.notify_all();
  }
  if (options_.on_synced) options_.on_synced();
}

void Reflector::warn(const action::Warn& warning) const {
  log::warning(
      "a collection " + std::string(text_of(warning.notice)),
      {{"resource", collection_.resource.plural}, {"why", warning.text}});
}

}  // namespace chrysalis::runtime
