// Power: stopped, paused, running as asked; a cold boot that was asked for;
// and what the restart policy says when the VMM or its guest ended by itself.

#include "controller/reconcile/refused_spec.h"
#include "controller/reconcile/vm/attempts.h"
#include "controller/reconcile/vm/choice.h"
#include "controller/reconcile/vm/status.h"
#include "controller/reconcile/words.h"
#include "src/engine/machine/restart.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;
using model::PowerState;

struct ColdBoot {
  model::VmConfig config;
  model::VmSources sources;
};

// What the next start runs. A clone that was staged and never ran is loaded:
// nothing of its spec applies yet. A spec that the law refuses is not obeyed:
// what a user asked for stalls, what ended by itself comes back by its record.
std::optional<ColdBoot> cold_boot(Choice& choice, const VmObserved& observed,
                                  bool by_policy) {
  const store::VmRecord& record = *observed.view.record;
  if (record.pending_load) return ColdBoot{record.config, record.sources};
  auto refused = refused_spec(*observed.vm);
  if (refused && !by_policy) {
    choice.power = std::move(refused);
    return std::nullopt;
  }
  const model::Assembled assembled = model::assemble_cold_boot(
      refused ? model::VmWish{} : observed.vm->spec.wish,
      {record.config, record.sources});
  if (assembled.ok()) return ColdBoot{assembled.config, assembled.sources};
  choice.power =
      stalls(StatusReason::kInvalidSpec, model::join(assembled.faults));
  return std::nullopt;
}

Asked asked(Kind kind, const VmObserved& observed) {
  return {kind, observed.vm->meta.generation, 0, ""};
}

uint64_t due_attempt(const VmObserved& observed) {
  const auto& wanted = observed.vm->spec.restart_attempt;
  return restart_due(wanted, *observed.view.record) ? *wanted : 0;
}

void start(Choice& choice, const VmObserved& observed, bool by_policy,
           Wall now) {
  const auto boot = cold_boot(choice, observed, by_policy);
  if (!boot) return;
  engine::StartRequest request;
  request.config = boot->config;
  request.sources = boot->sources;
  request.power = observed.vm->spec.power;
  request.by_policy = by_policy;
  request.restart_attempt = due_attempt(observed);
  ask_for(choice, std::move(request), asked(Kind::kStart, observed), now);
}

void restart(Choice& choice, const VmObserved& observed, Wall now) {
  const auto boot = cold_boot(choice, observed, false);
  if (!boot) return;
  engine::RestartRequest request;
  request.attempt = due_attempt(observed);
  request.grace = observed.vm->spec.stop_grace;
  request.config = boot->config;
  request.sources = boot->sources;
  request.power = observed.vm->spec.power;
  Asked as = asked(Kind::kRestart, observed);
  as.attempt = request.attempt;
  ask_for(choice, std::move(request), as, now);
}

void stop(Choice& choice, const VmObserved& observed, Wall now) {
  ask_for(choice, engine::StopRequest{observed.vm->spec.stop_grace},
          asked(Kind::kStop, observed), now);
}

// It ended by itself and is asked to be up.
void follow_policy(Choice& choice, const VmObserved& observed, Wall now) {
  const engine::VmView& view = observed.view;
  engine::EndedVm ended;
  if (view.exit) ended = {view.exit->at, view.exit->clean};
  const engine::ExitVerdict verdict = engine::on_exit(
      observed.vm->spec.restart_policy, ended,
      {choice.memory.restarts_in_a_row, view.record->started_at}, now);
  if (verdict.what != engine::OnExit::kRestart) {
    choice.finished = true;
    return;
  }
  if (!verdict.due) {
    choice.power = waits(StatusReason::kRestartBackOff,
                         how_it_ended(view) + "; it is started again at " +
                             to_rfc3339(verdict.at));
    wake(choice, verdict.at);
    return;
  }
  start(choice, observed, true, now);
  if (choice.request) choice.memory.restarts_then = verdict.in_a_row;
}

void when_ended(Choice& choice, const VmObserved& observed, Wall now) {
  if (observed.vm->spec.power == PowerState::kStopped)
    return stop(choice, observed, now);
  if (due_attempt(observed) != 0) return start(choice, observed, false, now);
  follow_policy(choice, observed, now);
}

void when_stopped(Choice& choice, const VmObserved& observed, Wall now) {
  const api::VmSpec& spec = observed.vm->spec;
  if (spec.power == PowerState::kStopped) return;
  if (restore_turn(spec.restore, observed.view.record.get()) ==
      RestoreTurn::kNewVm)
    return;  // boots nothing; choose_restore() says why
  start(choice, observed, false, now);
}

void when_up(Choice& choice, const VmObserved& observed, Wall now) {
  const PowerState wanted = observed.vm->spec.power;
  if (wanted == PowerState::kStopped) return stop(choice, observed, now);
  if (due_attempt(observed) != 0) return restart(choice, observed, now);
  const bool paused = observed.view.live == Live::kPaused;
  if (wanted == PowerState::kPaused && !paused)
    ask_for(choice, engine::PauseRequest{}, asked(Kind::kPause, observed), now);
  if (wanted == PowerState::kRunning && paused && !frozen_for_us(observed))
    ask_for(choice, engine::ResumeRequest{}, asked(Kind::kResume, observed),
            now);
}

}  // namespace

void choose_power(Choice& choice, const VmObserved& observed, Wall now) {
  switch (observed.view.live) {
    case Live::kStarting:
    case Live::kStopping:
      return;  // its end is told
    case Live::kAbsent:
    case Live::kStopped:
      return when_stopped(choice, observed, now);
    case Live::kEnded:
      return when_ended(choice, observed, now);
    case Live::kRunning:
    case Live::kPaused:
    case Live::kShimLost:
      return when_up(choice, observed, now);
  }
}

}  // namespace chrysalis::reconcile
