#include "src/hypervisor/events.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "src/hypervisor/json_members.h"

namespace chrysalis::hypervisor {
namespace {

using Kind = VmmEvent::Kind;
constexpr size_t kMaxEvent = size_t{64} << 10;
constexpr uint64_t kMaxRead = uint64_t{1} << 20;

struct Name {
  std::string_view source, event;
  Kind kind;
};
constexpr std::array kNames = {
    Name{"vm", "booted", Kind::kBooted},
    Name{"vm", "paused", Kind::kPaused},
    Name{"vm", "resumed", Kind::kResumed},
    Name{"vm", "restored", Kind::kRestored},
    Name{"vm", "shutdown", Kind::kGuestEnded},
    Name{"vm", "rebooted", Kind::kRebooted},
    Name{"vm", "device-removed", Kind::kDeviceRemoved},
    Name{"guest", "panic", Kind::kPanicked},
};

std::optional<VmmEvent> decode(std::string_view object) {
  const auto parsed = parse_json(object, {.bytes = kMaxEvent, .depth = 8});
  if (!parsed) return std::nullopt;
  const std::string* source = text(&*parsed, "source");
  const std::string* event = text(&*parsed, "event");
  if (source == nullptr || event == nullptr) return std::nullopt;
  VmmEvent out;
  for (const Name& name : kNames)
    if (name.source == *source && name.event == *event) out.kind = name.kind;
  if (out.kind == Kind::kDeviceRemoved)
    if (const auto* id = text(child(*parsed, "properties"), "id"))
      out.device = *id;
  return out;
}

int until(Mono deadline) {
  const auto left = deadline - Mono::clock::now();
  if (left <= left.zero()) return 0;
  return static_cast<int>(std::min<int64_t>(
      std::chrono::ceil<milliseconds>(left).count(), 3'600'000));
}

}  // namespace

std::vector<VmmEvent> EventParser::feed(std::string_view bytes) {
  std::vector<VmmEvent> out;
  for (const char c : bytes) {
    if (depth_ == 0 && c != '{') continue;  // blank lines between
    if (pending_.size() < kMaxEvent)
      pending_ += c;
    else
      oversized_ = true;
    if (in_string_) {
      if (!escaped_ && c == '"') in_string_ = false;
      escaped_ = !escaped_ && c == '\\';
      continue;
    }
    if (c == '"') in_string_ = true;
    if (c == '{') ++depth_;
    if (c != '}' || --depth_ > 0) continue;
    if (!oversized_)
      if (auto event = decode(pending_)) out.push_back(std::move(*event));
    pending_.clear();
    oversized_ = false;
  }
  return out;
}

EventTail::EventTail(std::filesystem::path file, FileNews news)
    : file_(std::move(file)), news_(std::move(news)) {}

Result<EventTail> EventTail::open(std::filesystem::path file) {
  CHRYSALIS_ASSIGN(FileNews news, FileNews::open());
  CHRYSALIS_TRY(news.add(0, file));
  return EventTail(std::move(file), std::move(news));
}

Result<std::vector<VmmEvent>> EventTail::read() {
  // News are taken before the file is read, so none between is lost.
  (void)news_.read();
  return file_.read();
}

Result<std::vector<VmmEvent>> EventFile::read() {
  std::vector<VmmEvent> out;
  more_ = cut_ = false;
  if (!file_.valid()) {
    file_.reset(
        ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file_.valid() && errno == ENOENT) return out;
    if (!file_.valid())
      return tl::unexpected(from_errno(errno, path_.string()));
  }
  struct stat now{};
  if (::fstat(file_.get(), &now) == 0 &&
      static_cast<uint64_t>(now.st_size) < offset_) {
    offset_ = 0;
    parser_ = {};
    cut_ = true;
  }
  std::array<char, 16384> chunk{};
  const uint64_t enough = offset_ + kMaxRead;
  while (offset_ < enough) {
    const ssize_t n = ::pread(file_.get(), chunk.data(), chunk.size(),
                              static_cast<off_t>(offset_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tl::unexpected(from_errno(errno, path_.string()));
    if (n == 0) return out;
    if (offset_ >= kMaxFile)
      return fail(Code::kCorrupt, path_.string() + " is above " +
                                      std::to_string(kMaxFile >> 20) +
                                      " MiB: it is read no further");
    offset_ += static_cast<uint64_t>(n);
    auto events = parser_.feed({chunk.data(), static_cast<size_t>(n)});
    out.insert(out.end(), std::make_move_iterator(events.begin()),
               std::make_move_iterator(events.end()));
  }
  more_ = true;
  return out;
}

Result<std::vector<VmmEvent>> EventTail::wait(Mono deadline) {
  for (;;) {
    CHRYSALIS_ASSIGN(std::vector<VmmEvent> events, read());
    if (!events.empty()) return events;
    if (Mono::clock::now() >= deadline)
      return fail(Code::kTimeout, "no event of the VMM");
    if (more()) continue;
    pollfd entry{.fd = fd(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, until(deadline)) < 0 && errno != EINTR)
      return tl::unexpected(from_errno(errno, "poll"));
  }
}

}  // namespace chrysalis::hypervisor
