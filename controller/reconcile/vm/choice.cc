#include "controller/reconcile/vm/choice.h"

#include "controller/reconcile/vm/attempts.h"

namespace chrysalis::reconcile {
namespace {

using engine::Kind;
using engine::Live;

std::optional<Hindrance>& hindrance_of(Choice& choice, Kind kind) {
  return kind == Kind::kRestore ? choice.restore : choice.power;
}

bool is_about_power(Kind kind) {
  switch (kind) {
    case Kind::kBoot:
    case Kind::kStart:
    case Kind::kStop:
    case Kind::kPause:
    case Kind::kResume:
    case Kind::kRestart:
    case Kind::kClone:
    case Kind::kDeleteVm:
      return true;
    case Kind::kRestore:
    case Kind::kSnapshot:
    case Kind::kDeleteSnapshot:
    case Kind::kImport:
    case Kind::kReap:
      return false;
  }
  return false;
}

// A restore replaces what ended, so it goes before the restart policy; but a
// cold boot after it would lose what it brought, so that goes before both.
bool restore_goes_first(const VmObserved& observed) {
  const api::VmSpec& spec = observed.vm->spec;
  return observed.view.live == Live::kEnded &&
         spec.power != model::PowerState::kStopped &&
         !restart_due(spec.restart_attempt, *observed.view.record);
}

void choose_for_record(Choice& choice, const VmObserved& observed, Wall now) {
  if (restore_goes_first(observed)) {
    choose_restore(choice, observed, now);
    if (!choice.request) choose_power(choice, observed, now);
    return;
  }
  choose_power(choice, observed, now);
  const auto request = choice.request;
  const auto doing = choice.doing;
  const Memory memory = choice.memory;
  choose_restore(choice, observed, now);
  if (!request) return;
  // Power first; the restore's hindrance is told all the same.
  choice.request = request;
  choice.doing = doing;
  choice.memory = memory;
  choice.foreign = false;
}

// One is in flight: nothing is asked, and what it is about is told by it.
void wait_for_flight(Choice& choice, const VmObserved& observed) {
  const engine::InFlight& flight = *observed.view.running;
  choice.request.reset();
  choice.foreign = false;
  choice.memory = observed.memory;
  if (flight.kind != Kind::kRestore && !is_about_power(flight.kind)) return;
  const Try& aim = aim_of(choice.memory, flight.kind);
  auto& hindrance = hindrance_of(choice, flight.kind);
  choice.retrying = aim.awaited && aim.failure.has_value();
  if (choice.retrying) return;
  hindrance.reset();
  choice.finished = false;
  choice.doing = flight.kind;
  if (flight.kind == Kind::kRestore) choice.restore_due = true;
}

}  // namespace

Choice choose(const VmObserved& observed, Wall now) {
  Choice choice;
  choice.memory = observed.memory;
  if (observed.view.record)
    choose_for_record(choice, observed, now);
  else
    choose_first_start(choice, observed, now);
  if (observed.view.running) wait_for_flight(choice, observed);
  return choice;
}

bool frozen_for_us(const VmObserved& observed) {
  const auto& flight = observed.view.running;
  return observed.view.live == Live::kPaused && flight &&
         (flight->kind == Kind::kSnapshot || flight->kind == Kind::kRestore) &&
         observed.vm->spec.power == model::PowerState::kRunning;
}

void ask_for(Choice& choice, engine::Request request, const Asked& asked,
             Wall now) {
  if (const Failure* failure =
          aim_of(choice.memory, asked.kind).failed(asked)) {
    const bool soon = retry_of(failure->reason) == Retry::kSoon;
    Hindrance hindrance = soon ? waits(failure->reason, failure->message)
                               : stalls(failure->reason, failure->message);
    hindrance.refused = failure->refused;
    hindrance_of(choice, asked.kind) = std::move(hindrance);
    const auto again = next_try(*failure);
    if (!again) return;
    if (now < *again) return wake(choice, *again);
  } else {
    choice.doing = asked.kind;
  }
  ask(choice.memory, asked);
  choice.request = std::move(request);
}

void wake(Choice& choice, Wall at) {
  if (!choice.wake_at || at < *choice.wake_at) choice.wake_at = at;
}

}  // namespace chrysalis::reconcile
