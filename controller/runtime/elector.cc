#include "controller/runtime/elector.h"

#include <random>
#include <utility>

#include "src/base/log.h"

namespace chrysalis::runtime {

Elector::Elector(std::string identity, ElectionOptions options, LeaseApi& api,
                 Timer& timer, Callbacks callbacks)
    : api_(api),
      timer_(timer),
      callbacks_(std::move(callbacks)),
      election_(std::move(identity), options),
      thread_([this] { run(); }) {}

Elector::~Elector() { stop(); }

bool Elector::leads() const {
  const std::lock_guard lock(mutex_);
  return election_.leads(timer_.mono());
}

void Elector::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Elector::run() {
  std::mt19937 random{std::random_device{}()};
  std::uniform_real_distribution<double> chance(0.0, 1.0);
  election::Input input = election::Tick{};
  Role before = Role::kFollowing;
  for (;;) {
    election::Action action = election::Finish{};
    Role role{};
    {
      const std::lock_guard lock(mutex_);
      action =
          election_.step(input, timer_.mono(), timer_.wall(), chance(random));
      role = election_.role();
    }
    if (role != before) {
      before = role;
      if (role == Role::kLeading && callbacks_.on_leading) {
        log::info("lease acquired");
        callbacks_.on_leading();
      }
      if (role == Role::kLost && callbacks_.on_lost) {
        log::error("lease lost");
        callbacks_.on_lost();
      }
    }
    if (std::holds_alternative<election::Finish>(action)) return;
    input = carry_out(action);
  }
}

election::Input Elector::carry_out(const election::Action& action) {
  if (const auto* waiting = std::get_if<election::Wait>(&action)) {
    return wait(waiting->until);
  }
  if (const auto* write = std::get_if<election::Write>(&action)) {
    auto written = api_.write(write->record);
    if (written) return election::Wrote{std::move(*written)};
    log::warning("lease not written", {{"error", written.error().message}});
    return election::Failed{written.error().code == Code::kConflict};
  }
  auto got = api_.get();
  if (got) return election::Got{std::move(*got)};
  log::warning("lease not read", {{"error", got.error().message}});
  return election::Failed{};
}

election::Input Elector::wait(Mono until) {
  std::unique_lock lock(mutex_);
  while (!stopping_ && timer_.mono() < until) timer_.wait(lock, wake_, until);
  if (stopping_) return election::Stop{};
  return election::Tick{};
}

}  // namespace chrysalis::runtime
