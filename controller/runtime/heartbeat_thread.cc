#include "controller/runtime/heartbeat_thread.h"

#include <utility>

#include "src/base/log.h"

namespace chrysalis::runtime {

HeartbeatThread::HeartbeatThread(const std::string& holder,
                                 std::map<std::string, std::string> annotations,
                                 LeaseApi& api, Timer& timer,
                                 std::function<void()> settled)
    : api_(api),
      timer_(timer),
      settled_(std::move(settled)),
      heartbeat_(holder) {
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

bool HeartbeatThread::claimed() const {
  const std::lock_guard lock(mutex_);
  return heartbeat_.claimed();
}

std::optional<std::string> HeartbeatThread::taken_by() const {
  const std::lock_guard lock(mutex_);
  return heartbeat_.taken_by();
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
  while (!stopping_ && !heartbeat_.taken_by()) {
    described_ = false;
    const Heartbeat::Plan plan = heartbeat_.plan(timer_.mono(), timer_.wall());
    if (plan.read || plan.write) {
      carry_out(plan, lock);
      if (heartbeat_.claimed() || heartbeat_.taken_by()) settle(lock);
      continue;
    }
    while (!stopping_ && !described_ && timer_.mono() < plan.wake_at) {
      timer_.wait(lock, wake_, plan.wake_at);
    }
  }
}

void HeartbeatThread::settle(std::unique_lock<std::mutex>& lock) {
  const auto settled = std::exchange(settled_, nullptr);
  if (!settled) return;
  lock.unlock();
  settled();
  lock.lock();
}

void HeartbeatThread::read(const std::optional<LeaseRecord>& record) {
  const auto before = heartbeat_.rival();
  heartbeat_.read(record, timer_.mono());
  const auto rival = heartbeat_.rival();
  if (!rival || rival == before) return;
  if (heartbeat_.claimed())
    log::error("another host took the lease of this node's name",
               {{"holder", *rival}});
  else
    log::warning(
        "the lease of this node's name is another host's; waiting "
        "to see whether it lives",
        {{"holder", *rival}});
}

void HeartbeatThread::carry_out(const Heartbeat::Plan& plan,
                                std::unique_lock<std::mutex>& lock) {
  const Mono sent_at = timer_.mono();
  if (plan.read) {
    lock.unlock();
    auto got = api_.get();
    lock.lock();
    if (got) {
      read(*got);
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
