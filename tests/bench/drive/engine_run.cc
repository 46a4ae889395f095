#include "tests/bench/drive/engine_run.h"

#include <utility>

#include "tests/bench/drive/stopwatch.h"

namespace chrysalis::bench {
namespace {

using engine::Place;

constexpr seconds kWithin{30};

std::string step_name(const engine::Failpoint& point) {
  return std::string(to_string(point.kind)) + "/" +
         std::string(to_string(point.step));
}

bool is(const engine::Failpoint& point, engine::SnapshotStep step) {
  const auto* of = std::get_if<engine::SnapshotStep>(&point.step);
  return of != nullptr && *of == step && point.place == Place::kActed;
}

}  // namespace

Result<std::unique_ptr<EngineRun>> EngineRun::open(
    const Programs& programs, const std::filesystem::path& root) {
  std::unique_ptr<EngineRun> out(new EngineRun);
  EngineRun* const self = out.get();
  engine::NodeOptions options;
  options.state_dir = root / "engine";
  options.image_root = root / "images";
  options.cloud_hypervisor = programs.cloud_hypervisor;
  options.firecracker = programs.firecracker;
  options.shim = programs.shim;
  options.max_phys_bits = programs.max_phys_bits;
  options.strike = [self](const engine::Failpoint& point) {
    const std::lock_guard lock(self->mutex_);
    self->marks_.push_back({point, Mono::clock::now()});
    return engine::Struck::kNot;
  };
  CHRYSALIS_ASSIGN(out->node_, engine::Node::open(options, out->clock_));
  out->node_->engine().on_change([self](const std::string&) {
    const std::lock_guard lock(self->mutex_);
    ++self->changes_;
    self->changed_at_ = Mono::clock::now();
    self->changed_.notify_all();
  });
  CHRYSALIS_TRY(out->node_->engine().adopt());
  return out;
}

Result<Ran> EngineRun::run(const std::string& uid, engine::Request request) {
  auto& engine = node_->engine();
  {
    const std::lock_guard lock(mutex_);
    marks_.clear();
  }
  const uint64_t commits = node_->db().commits();
  const bool of_snapshot =
      std::holds_alternative<engine::DeleteSnapshotRequest>(request);
  const Mono from = Mono::clock::now();
  CHRYSALIS_TRY(engine.submit(uid, std::move(request)));
  const Mono deadline = from + kWithin;
  for (;;) {
    uint64_t seen = 0;
    Mono at;
    {
      const std::lock_guard lock(mutex_);
      seen = changes_;
      at = changed_at_;
    }
    const auto view = engine.view(uid);
    const auto snapshot = engine.snapshot(uid);
    const auto& last = of_snapshot ? snapshot.last : view.last;
    if (!(of_snapshot ? snapshot.running : view.running)) {
      if (last && !last->ok) return fail(Code::kUnavailable, last->message);
      Ran ran = read(from, at);
      ran.commits = node_->db().commits() - commits;
      return ran;
    }
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return changes_ != seen; }))
      return fail(Code::kTimeout, uid + ": an operation does not end");
  }
}

// A step without an intent has one mark, when its actions are over.
Ran EngineRun::read(Mono from, Mono to) {
  const std::lock_guard lock(mutex_);
  Ran ran{.ms = in_ms(from, to)};
  Mono since = from, paused{};
  bool open = false;  // the last of ran.steps has an intent, and no end yet
  for (const Mark& mark : marks_) {
    const double took = in_ms(std::exchange(since, mark.at), mark.at);
    if (mark.point.place == Place::kEnd) break;
    if (!open) ran.steps.push_back({step_name(mark.point)});
    open = mark.point.place != Place::kActed;
    if (open) {
      ran.steps.back().intent_ms += took;
    } else {
      ran.steps.back().actions_ms = took;
    }
    if (is(mark.point, engine::SnapshotStep::kPause)) paused = mark.at;
    if (is(mark.point, engine::SnapshotStep::kThaw))
      ran.pause_ms = in_ms(paused, mark.at);
  }
  ran.end_ms = in_ms(since, to);
  return ran;
}

}  // namespace chrysalis::bench
