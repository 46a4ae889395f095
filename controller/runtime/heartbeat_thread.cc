#include "controller/runtime/heartbeat_thread.h"

#include <utility>

#include "src/base/log.h"

namespace chrysalis::runtime {

HeartbeatThread::HeartbeatThread(const std::string& node,
                                 std::map<std::string, std::string> annotations,
                                 LeaseApi& api, Timer& timer)
    : api_(api), timer_(timer), heartbeat_(node) {
  heartbeat_.describe(std::move(annotations));
  thread_ = std::thread([this] { run(); });
}

HeartbeatThread::~HeartbeatThread() { stop(); }

void HeartbeatThread::describe(std::map<std::string, std::string> annotations) {
  const std::lock_guard lock(mutex_);
  heartbeat_.describe(std::move(annotations));
  described_ = true;
  wake_.notify_all();
}

void HeartbeatThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void HeartbeatThread::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    described_ = false;
    const Heartbeat::Plan plan = heartbeat_.plan(timer_.mono(), timer_.wall());
    if (plan.read || plan.write) {
      carry_out(plan, lock);
      continue;
    }
    while (!stopping_ && !described_ && timer_.mono() < plan.wake_at) {
      timer_.wait(lock, wake_, plan.wake_at);
    }
  }
}

void HeartbeatThread::carry_out(const Heartbeat::Plan& plan,
                                std::unique_lock<std::mutex>& lock) {
  const Mono sent_at = timer_.mono();
  if (plan.read) {
    lock.unlock();
    auto got = api_.get();
    lock.lock();
    if (got) {
      heartbeat_.read(*got);
    } else {
      log::warning("agent lease not read", {{"error", got.error().message}});
      heartbeat_.failed(/*conflict=*/false, timer_.mono());
    }
    return;
  }
  lock.unlock();
  auto written = api_.write(*plan.write);
  lock.lock();
  if (written) {
    heartbeat_.wrote(*written, sent_at);
    return;
  }
  log::warning("agent lease not renewed", {{"error", written.error().message}});
  heartbeat_.failed(written.error().code == Code::kConflict, timer_.mono());
}

}  // namespace chrysalis::runtime
