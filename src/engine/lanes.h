#pragma once

// Serial lanes on a bounded pool: tasks of one key run one after the other in
// the order they came, tasks of different keys in parallel.
// Thread-safety: every method from any thread; post() also from a task.
// Destruction: tasks that have begun are finished, the others are dropped.

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace chrysalis::engine {

class Lanes {
 public:
  explicit Lanes(size_t threads);
  ~Lanes();
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  using Task = std::function<void()>;
  void post(const std::string& key, Task task);
  // Returns when no task waits or runs. For adoption and tests.
  void drain();

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  // A lane is in ready_ or at work, never both; its entry lives as long.
  std::map<std::string, std::deque<Task>> waiting_;
  std::deque<std::string> ready_;
  size_t at_work_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace chrysalis::engine
