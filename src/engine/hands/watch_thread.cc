#include "src/engine/hands/watch_thread.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "src/base/log.h"

namespace chrysalis::engine {

Result<std::unique_ptr<WatchThread>> WatchThread::start() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) return tl::unexpected(from_errno(errno, "epoll_create1"));
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return tl::unexpected(from_errno(errno, "eventfd"));
  std::unique_ptr<WatchThread> out(
      new WatchThread(std::move(epoll), std::move(wake)));
  if (!out->add(out->wake_.get(), 0))
    return tl::unexpected(from_errno(errno, "epoll_ctl"));
  out->thread_ = std::thread([raw = out.get()] { raw->run(); });
  return out;
}

WatchThread::WatchThread(UniqueFd epoll, UniqueFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)) {}

WatchThread::~WatchThread() {
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
  if (!events.empty()) {
    auto tail = hypervisor::EventTail::open(events);
    if (tail)
      entry.events.emplace(std::move(*tail));
    else
      log::warning("no events will be heard",
                   {{"uid", uid}, {"message", tail.error().message}});
  }
  const std::lock_guard lock(mutex_);
  const uint64_t token = next_;
  next_ += 2;
  Watched& stored = watched_.emplace(token, std::move(entry)).first->second;
  if (!stored.pidfd.valid() || !add(stored.pidfd.get(), token))
    log::warning("the VMM's end will not be heard", {{"uid", uid}});
  if (stored.events && !add(stored.events->fd(), token + 1))
    log::warning("no events will be heard", {{"uid", uid}});
}

void WatchThread::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  // Closing the last descriptor of an entry takes it out of the epoll set.
  std::erase_if(watched_, [&](auto& item) {
    if (item.second.uid != uid) return false;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, item.second.pidfd.get(), nullptr);
    if (item.second.events)
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, item.second.events->fd(),
                  nullptr);
    return true;
  });
}

void WatchThread::heard(uint64_t token) {
  std::string uid;
  News news;
  {
    const std::lock_guard lock(mutex_);
    const auto at = watched_.find(token & ~uint64_t{1});
    if (at == watched_.end()) return;
    Watched& entry = at->second;
    bool tells = true;
    if ((token & 1) != 0) {
      const auto events = entry.events->read();
      tells = false;
      if (events)
        for (const auto& event : *events)
          tells = tells ||
                  event.kind == hypervisor::VmmEvent::Kind::kGuestEnded ||
                  event.kind == hypervisor::VmmEvent::Kind::kRebooted ||
                  event.kind == hypervisor::VmmEvent::Kind::kPanicked;
    } else {
      // An ended process stays readable: it is told once.
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.pidfd.get(), nullptr);
    }
    if (!tells) return;
    uid = entry.uid;
    news = news_;
  }
  if (news) news(uid);
}

void WatchThread::run() {
  std::array<epoll_event, 64> ready;
  for (;;) {
    const int n = ::epoll_wait(epoll_.get(), ready.data(),
                               static_cast<int>(ready.size()), -1);
    if (n < 0 && errno != EINTR) {
      log::error("epoll_wait failed: ends of VMMs will not be heard");
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    for (int i = 0; i < n; ++i)
      if (ready[static_cast<size_t>(i)].data.u64 != 0)
        heard(ready[static_cast<size_t>(i)].data.u64);
  }
}

}  // namespace chrysalis::engine
