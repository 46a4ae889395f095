#include "src/engine/lanes.h"

#include <utility>

namespace chrysalis::engine {

Lanes::Lanes(size_t threads) {
  for (size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this] { work(); });
}

Lanes::~Lanes() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Lanes::post(const std::string& key, Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto [lane, is_new] = waiting_.try_emplace(key);
    lane->second.push_back(std::move(task));
    if (!is_new) return;  // whoever works on it goes on with this one
    ready_.push_back(key);
  }
  wake_.notify_one();
}

void Lanes::drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] {
    return stopping_ || (waiting_.empty() && at_work_ == 0);
  });
}

void Lanes::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !ready_.empty(); });
    if (stopping_) return;
    const std::string key = std::move(ready_.front());
    ready_.pop_front();
    Task task = std::move(waiting_[key].front());
    waiting_[key].pop_front();
    ++at_work_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds may take long to destroy
    lock.lock();
    --at_work_;
    const auto lane = waiting_.find(key);
    if (lane->second.empty()) {
      waiting_.erase(lane);
    } else {
      ready_.push_back(key);  // at the end: lanes take turns
      wake_.notify_one();
    }
    if (waiting_.empty() && at_work_ == 0) idle_.notify_all();
  }
}

}  // namespace chrysalis::engine
