#pragma once

// Hears of VMMs and guests that end by themselves: a pidfd each, and the event
// file of those that write one (a guest's power-off leaves the process there),
// by one inotify instance for all of them.
// A guest can reboot 66 times a second: of its reboots it tells at once, and
// then no more often than every 10 s.
//
// Thread-safety: every method from any thread. `news` is called on the
// thread's own, without locks, with the uid to look at again.
// Ownership: duplicates what it is given.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "src/base/result.h"
#include "src/base/unique_fd.h"
#include "src/engine/hands/node_hands.h"
#include "src/hypervisor/events.h"
#include "src/hypervisor/file_news.h"

namespace chrysalis::engine {

class WatchThread final : public VmmWatch {
 public:
  using News = std::function<void(const std::string& uid)>;

  static Result<std::unique_ptr<WatchThread>> start();
  ~WatchThread() override;  // stops

  // REQUIRES: before the first watch().
  void tell(News news);

  // Joins: no news come after it, or are still on their way. What is watched
  // or forgotten afterwards is kept, and nobody told. Not from `news`.
  void stop();

  void watch(const std::string& uid, int pidfd,
             const std::filesystem::path& events) override;
  void forget(const std::string& uid) override;

 private:
  struct Watched {
    std::string uid;
    UniqueFd pidfd;
    // Read without the lock, by the thread alone.
    std::shared_ptr<hypervisor::EventFile> events;
    Mono read_at = Mono::max();  // there is more to read
    Mono quiet_until{};          // for its reboots
    bool rebooted = false;       // and nobody was told yet
  };
  WatchThread(UniqueFd epoll, UniqueFd wake, hypervisor::FileNews files);
  void run();
  void ended(uint64_t token);
  void read_written();
  bool listen(uint64_t token, const std::filesystem::path& events);
  void read_events(uint64_t token);
  bool take(uint64_t token, Watched& entry,
            const Result<std::vector<hypervisor::VmmEvent>>& events);
  int catch_up();
  bool add(int fd, uint64_t token);

  UniqueFd epoll_, wake_;
  std::mutex mutex_;
  News news_;
  uint64_t next_ = 2;  // 0: wake, 1: files_
  hypervisor::FileNews files_;
  std::map<uint64_t, Watched> watched_;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace chrysalis::engine
