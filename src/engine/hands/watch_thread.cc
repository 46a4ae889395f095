#include "src/engine/hands/watch_thread.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "src/base/log.h"

namespace chrysalis::engine {
namespace {

constexpr seconds kBetweenReboots{10};
constexpr milliseconds kBetweenReads{100};
constexpr uint64_t kWake = 0, kFiles = 1;  // tokens; those of VMs follow

}  // namespace

Result<std::unique_ptr<WatchThread>> WatchThread::start() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return tl::unexpected(from_errno(errno, "epoll_create1"));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return tl::unexpected(from_errno(errno, "eventfd"));
  CHRYSALIS_ASSIGN(auto files, hypervisor::FileNews::open());
  std::unique_ptr<WatchThread> out(
      new WatchThread(std::move(epoll), std::move(wake), std::move(files)));
  if (!out->add(out->wake_.get(), kWake) || !out->add(out->files_.fd(), kFiles))
    return tl::unexpected(from_errno(errno, "epoll_ctl"));
  out->thread_ = std::thread([raw = out.get()] { raw->run(); });
  return out;
}

WatchThread::WatchThread(UniqueFd epoll, UniqueFd wake,
                         hypervisor::FileNews files)
    : epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      files_(std::move(files)) {}

WatchThread::~WatchThread() { stop(); }

void WatchThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  if (thread_.joinable()) thread_.join();
}

bool WatchThread::add(int fd, uint64_t token) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void WatchThread::tell(News news) {
  const std::lock_guard lock(mutex_);
  news_ = std::move(news);
}

void WatchThread::watch(const std::string& uid, int pidfd,
                        const std::filesystem::path& events) {
  forget(uid);
  Watched entry;
  entry.uid = uid;
  entry.pidfd = UniqueFd(::fcntl(pidfd, F_DUPFD_CLOEXEC, 3));
  const std::lock_guard lock(mutex_);
  const uint64_t token = next_++;
  if (!events.empty() && listen(token, events))
    entry.events = std::make_shared<hypervisor::EventFile>(events);
  const int fd = entry.pidfd.get();
  watched_.emplace(token, std::move(entry));
  if (fd < 0 || !add(fd, token))
    log::warning("the VMM's end will not be heard", {{"uid", uid}});
}

// REQUIRES: mutex_ is held.
bool WatchThread::listen(uint64_t token, const std::filesystem::path& events) {
  const auto added = files_.add(token, events);
  if (!added)
    log::warning("no events will be heard",
                 {{"message", added.error().message}});
  return added.has_value();
}

void WatchThread::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watched_, [&](auto& item) {
    if (item.second.uid != uid) return false;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, item.second.pidfd.get(), nullptr);
    files_.remove(item.first);
    return true;
  });
}

// What was read of a tail, without the lock, becomes known. Whether its VM is
// to be looked at now. REQUIRES: mutex_ is held.
bool WatchThread::take(
    uint64_t token, Watched& entry,
    const Result<std::vector<hypervisor::VmmEvent>>& events) {
  using What = hypervisor::VmmEvent::Kind;
  if (!events) {
    log::warning("no more events will be heard",
                 {{"uid", entry.uid},
                  {"code", to_string(events.error().code)},
                  {"message", events.error().message}});
    files_.remove(token);
    entry.events.reset();
    return true;
  }
  const Mono time = Mono::clock::now();
  // One that writes without end is read now and then, not all the time.
  if (entry.events->more()) entry.read_at = time + kBetweenReads;
  bool now = entry.events->cut();
  for (const auto& event : *events) {
    now =
        now || event.kind == What::kGuestEnded || event.kind == What::kPanicked;
    entry.rebooted = entry.rebooted || event.kind == What::kRebooted;
  }
  if (entry.rebooted && time >= entry.quiet_until) {
    entry.rebooted = false;
    entry.quiet_until = time + kBetweenReboots;
    now = true;
  }
  return now;
}

void WatchThread::read_events(uint64_t token) {
  std::shared_ptr<hypervisor::EventFile> file;
  {
    const std::lock_guard lock(mutex_);
    const auto at = watched_.find(token);
    if (at == watched_.end() || !at->second.events) return;
    file = at->second.events;
    at->second.read_at = Mono::max();
  }
  const auto events = file->read();
  std::string uid;
  News news;
  {
    const std::lock_guard lock(mutex_);
    const auto at = watched_.find(token);
    if (at == watched_.end() || !take(token, at->second, events)) return;
    uid = at->second.uid;
    news = news_;
  }
  if (news) news(uid);
}

// What waited: tails with more to read, reboots whose quiet is over. How long,
// in milliseconds, until the next; -1: there is none.
int WatchThread::catch_up() {
  std::vector<std::string> rebooted;
  std::vector<uint64_t> unread;
  News news;
  Mono next = Mono::max();
  {
    const std::lock_guard lock(mutex_);
    news = news_;
    const Mono now = Mono::clock::now();
    for (auto& [token, entry] : watched_) {
      if (entry.read_at <= now)
        unread.push_back(token);
      else
        next = std::min(next, entry.read_at);
      if (!entry.rebooted) continue;
      if (now < entry.quiet_until) {
        next = std::min(next, entry.quiet_until);
        continue;
      }
      entry.rebooted = false;
      entry.quiet_until = now + kBetweenReboots;
      rebooted.push_back(entry.uid);
    }
  }
  if (news)
    for (const std::string& uid : rebooted) news(uid);
  for (const uint64_t token : unread) read_events(token);
  if (!unread.empty()) return 0;  // they may have more
  if (next == Mono::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - Mono::clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

void WatchThread::ended(uint64_t token) {
  std::string uid;
  News news;
  {
    const std::lock_guard lock(mutex_);
    const auto at = watched_.find(token);
    if (at == watched_.end()) return;
    // An ended process stays readable: it is told once.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, at->second.pidfd.get(), nullptr);
    uid = at->second.uid;
    news = news_;
  }
  if (news) news(uid);
}

void WatchThread::read_written() {
  std::vector<uint64_t> written;
  {
    const std::lock_guard lock(mutex_);
    for (const uint64_t token : files_.read())
      // One with more to read is read in its time.
      if (watched_.at(token).read_at == Mono::max()) written.push_back(token);
  }
  for (const uint64_t token : written) read_events(token);
}

void WatchThread::run() {
  std::array<epoll_event, 64> ready;
  for (;;) {
    const int wait = catch_up();
    const int n = ::epoll_wait(epoll_.get(), ready.data(),
                               static_cast<int>(ready.size()), wait);
    if (n < 0 && errno != EINTR) {
      log::error("epoll_wait failed: ends of VMMs will not be heard");
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    for (int i = 0; i < n; ++i) {
      const uint64_t token = ready[static_cast<size_t>(i)].data.u64;
      if (token == kFiles)
        read_written();
      else if (token != kWake)
        ended(token);
    }
  }
}

}  // namespace chrysalis::engine
