#pragma once

// What a watch of one kind shows, with the moment each line came: what a
// client sees, and the only thing that a driver waits for.
// Thread-safety: any thread; the lines come on a thread of its own.
// Ownership: borrows the transport.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "controller/kube/requests.h"
#include "controller/kube/transport.h"

namespace chrysalis::bench {

struct Seen {
  Mono at{};         // the line was there
  std::string type;  // ADDED, MODIFIED, DELETED
  size_t bytes = 0;
  nlohmann::json object;
};

class Watcher final : public kube::StreamSink {
 public:
  Watcher(kube::Transport& transport, const kube::Resource& resource);
  ~Watcher() override;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  using Holds = std::function<bool(const Seen&)>;
  // The first event of this object for which it holds, past ones too.
  // kTimeout names the object and what was last seen of it.
  Result<Seen> wait(const std::string& name, const Holds& holds,
                    seconds within);
  // Until so many objects exist for which it holds; how many there are at the
  // deadline, else.
  size_t wait_for_many(size_t count, const Holds& holds, seconds within);
  // Of this object so far, oldest first; the memory of it goes.
  std::vector<Seen> take(const std::string& name);
  // True when nothing at all came for so long.
  bool silent_for(seconds time);

  bool opened() override;
  bool data(std::string_view piece) override;

 private:
  void run(const kube::Resource& resource);
  void line(std::string_view text, Mono at);

  kube::Transport& transport_;
  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable came_;
  bool open_ = false, closing_ = false;
  uint64_t events_ = 0;
  std::map<std::string, std::vector<Seen>> seen_;  // by name
  kube::LineSplitter splitter_;
  std::thread thread_;  // last: it uses all the others
};

// ---- what to wait for
bool has_phase(const Seen& seen, std::string_view phase);
bool is_ready(const Seen& seen);  // Ready=True of this generation
bool is_deleted(const Seen& seen);

}  // namespace chrysalis::bench
