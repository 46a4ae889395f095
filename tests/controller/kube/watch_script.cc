#include "tests/controller/kube/watch_script.h"

namespace chrysalis::kube::testing {
namespace {

template <class... F>
struct Overload : F... {
  using F::operator()...;
};
template <class... F>
Overload(F...) -> Overload<F...>;

std::string word(const Action& action) {
  return std::visit(
      Overload{
          [](const action::StartList&) { return std::string("list"); },
          [](const action::StartWatch& a) {
            return "watch@" + a.params.resource_version;
          },
          [](const action::Cancel&) { return std::string("cancel"); },
          [](const action::DropStage&) { return std::string("drop-stage"); },
          [](const action::StagePage&) { return std::string("stage-page"); },
          [](const action::StageUpsert&) {
            return std::string("stage-upsert");
          },
          [](const action::StageRemove&) {
            return std::string("stage-remove");
          },
          [](const action::Swap& a) { return "swap@" + a.resource_version; },
          [](const action::Upsert&) { return std::string("upsert"); },
          [](const action::Remove&) { return std::string("remove"); },
          [](const action::Advance& a) {
            return "advance@" + a.resource_version;
          },
          [](const action::SetTimer&) { return std::string("timer"); },
          [](const action::Warn&) { return std::string("warn"); },
          [](const action::Count&) { return std::string("count"); },
          [](const action::RefreshCredential&) {
            return std::string("refresh");
          }},
      action);
}

ApiStatus too_large() {
  return {.code = 504,
          .reason = "Timeout",
          .message = "Too large resource version",
          .causes = {{"ResourceVersionTooLarge", "", "too large"}},
          .retry_after = {}};
}

}  // namespace

void WatchScript::send(const Input& input) {
  Step next = step(options_, std::move(state_), input, now_, jitter_);
  state_ = std::move(next.state);
  actions_ = std::move(next.actions);
}

void WatchScript::synced(const std::string& version) {
  start();
  if (!options_.watch_list) return page(version, "");
  opened();
  bookmark(version, true);
}

void WatchScript::page(std::string_view version, std::string_view next,
                       std::span<const input::Fault> faults) {
  send({state_.attempt, input::Page{version, next, faults}});
}

void WatchScript::event(EventType type, std::string_view version,
                        std::string_view fault) {
  send({state_.attempt,
        input::Event{type, version, "ns/a", fault.empty(), fault}});
}

void WatchScript::bookmark(std::string_view version, bool end) {
  send({state_.attempt, input::Bookmark{version, end}});
}

void WatchScript::refuse(int code, const std::string& reason, bool in_stream,
                         std::optional<seconds> retry_after) {
  send({state_.attempt, input::Refused{{.code = code,
                                        .reason = reason,
                                        .message = "no",
                                        .causes = {},
                                        .retry_after = retry_after},
                                       in_stream}});
}

void WatchScript::refuse_too_large() {
  send({state_.attempt, input::Refused{too_large(), false}});
}

void WatchScript::timer() {
  if (state_.wake_at) now_ = std::max(now_, *state_.wake_at);
  send({0, input::Timer{}});
}

std::string WatchScript::log() const {
  std::string text;
  for (const Action& action : actions_) {
    if (std::holds_alternative<action::SetTimer>(action) && actions_.size() > 1)
      continue;
    if (!text.empty()) text += ' ';
    text += word(action);
  }
  return text;
}

milliseconds WatchScript::delay() const {
  if (!did<action::SetTimer>()) return milliseconds(-1);
  return std::chrono::duration_cast<milliseconds>(last<action::SetTimer>().at -
                                                  now_);
}

ListParams WatchScript::list() const {
  return last<action::StartList>().params;
}
WatchParams WatchScript::watch() const {
  return last<action::StartWatch>().params;
}
Notice WatchScript::warning() const { return last<action::Warn>().notice; }
std::string WatchScript::warning_text() const {
  return last<action::Warn>().text;
}

std::map<std::string, WatchScript> scripts_in_every_phase() {
  std::map<std::string, WatchScript> out;
  const auto add = [&](const std::string& name, bool watch_list) {
    return &out.emplace(name, WatchScript({.watch_list = watch_list}))
                .first->second;
  };
  add("idle", true);
  add("listing", false)->start();
  WatchScript* second_page = add("listing page 2", false);
  second_page->start();
  second_page->page("100", "c1");
  add("initial watch", true)->start();
  add("watching", true)->synced("100");
  WatchScript* before = add("back-off before the sync", true);
  before->start();
  before->broken();
  WatchScript* rewatch = add("back-off of a watch", true);
  rewatch->synced("100");
  rewatch->broken();
  WatchScript* page = add("back-off of a page", false);
  page->start();
  page->page("100", "c1");
  page->refuse(429, "TooManyRequests");
  return out;
}

std::vector<Input> every_input(uint64_t attempt) {
  std::vector<Input> out{{0, input::Start{}},
                         {0, input::Timer{}},
                         {attempt, input::Page{"120", ""}},
                         {attempt, input::Page{"120", "c9"}},
                         {attempt, input::Page{"", ""}},
                         {attempt, input::Opened{}},
                         {attempt, input::Bookmark{"130", false}},
                         {attempt, input::Bookmark{"130", true}},
                         {attempt, input::Bookmark{"", true}},
                         {attempt, input::Ended{}},
                         {attempt, input::Broken{"reset"}},
                         {attempt, input::Malformed{"junk"}},
                         {attempt, input::Refused{too_large(), false}}};
  for (const auto type :
       {EventType::kAdded, EventType::kModified, EventType::kDeleted})
    for (const bool decoded : {true, false})
      out.push_back({attempt, input::Event{type, "140", "ns/a", decoded, ""}});
  for (const int code :
       {302, 400, 401, 403, 404, 409, 410, 413, 422, 429, 500, 503, 504})
    for (const bool in_stream : {false, true})
      out.push_back({attempt, input::Refused{{.code = code,
                                              .reason = "",
                                              .message = "",
                                              .causes = {},
                                              .retry_after = {}},
                                             in_stream}});
  return out;
}

}  // namespace chrysalis::kube::testing
