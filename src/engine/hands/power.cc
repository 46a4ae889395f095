// Stopping and starting vCPUs, the guard, and how a VMM comes down.

#include <csignal>

#include "src/engine/hands/exits.h"
#include "src/engine/hands/node_hands.h"
#include "src/hypervisor/events.h"

namespace chrysalis::engine {
namespace {

// The shim's exit record as it is shown. A guest that powered itself off is
// clean; CH says so by an event, FC by exit status 0.
ExitView view_of(const hypervisor::ExitRecord& record) {
  using Kind = hypervisor::ExitRecord::Kind;
  ExitView view;
  view.at = record.at;
  switch (record.kind) {
    case Kind::kExited:
      if (record.code == 0) return power_off_at(record.at);
      view.code = record.code;
      view.reason = "VmmFailed";
      break;
    case Kind::kKilled:
      view.code = 128 + record.signal;
      view.reason = "VmmKilled";
      break;
    case Kind::kNotStarted:
      view.code = record.code;
      view.reason = "VmmNotStarted";
      break;
  }
  return view;
}

}  // namespace

Result<> NodeHands::pause(Job& job, Which which) {
  CHRYSALIS_TRY(
      backend(record(job, which).config.hypervisor).pause(vmm(job, which)));
  if (job.op.kind == Kind::kSnapshot || job.op.kind == Kind::kRestore)
    held(job.uid).paused_at = deps_.clock.mono();
  return {};
}

Result<> NodeHands::resume(Job& job, Which which) {
  CHRYSALIS_TRY(
      backend(record(job, which).config.hypervisor).resume(vmm(job, which)));
  Held& h = held(job.uid);
  if (h.paused_at)
    job.pause = std::chrono::duration_cast<milliseconds>(deps_.clock.mono() -
                                                         *h.paused_at);
  h.paused_at.reset();
  return {};
}

Result<> NodeHands::arm_guard(Job& job, Mono deadline) {
  Held& h = held(job.uid);
  CHRYSALIS_ASSIGN(auto guard,
                   hypervisor::PauseGuard::connect(
                       paths(job, Which::kCurrent).shim_socket(), deadline));
  const milliseconds budget = job.op.kind == Kind::kRestore
                                  ? deps_.config.max_restore_pause
                                  : deps_.config.max_pause;
  CHRYSALIS_TRY(guard.arm(budget, deadline));
  h.guard.emplace(std::move(guard));
  return {};
}

Event NodeHands::disarm_guard(Job& job, Mono deadline) {
  Held& h = held(job.uid);
  if (!h.guard) return {};
  const auto fired = h.guard->disarm(deadline);
  h.guard.reset();
  if (!fired)
    return {fired.error().code == Code::kTimeout ? Happened::kTimedOut
                                                 : Happened::kFailed,
            Reason::kShimLost, fired.error().message};
  switch (*fired) {
    case hypervisor::GuardFired::kNot:
      return {};
    case hypervisor::GuardFired::kDeadline:
    case hypervisor::GuardFired::kClosed:
      h.paused_at.reset();
      return {Happened::kGuardFired, Reason::kPauseBudgetExceeded,
              "the guest was paused too long and was resumed"};
  }
  return {};
}

Result<> NodeHands::check_healthy(Job& job, Which which) {
  const Guest& g = guest(job, which);
  if (!g.process) return fail(Code::kUnavailable, "there is no VMM");
  // Its end within the time is the failure; the time passing is the success.
  const Mono until = deps_.clock.mono() + deps_.config.healthy_after;
  const auto end = hypervisor::wait_process(g.process->pidfd(), until);
  if (end) return fail(Code::kUnavailable, "the VMM ended after its resume");
  if (end.error().code != Code::kTimeout) return end;
  CHRYSALIS_ASSIGN(
      const auto state,
      backend(record(job, which).config.hypervisor).state(vmm(job, which)));
  const auto want = job.op.facts.user_paused ? hypervisor::VmmState::kPaused
                                             : hypervisor::VmmState::kRunning;
  if (state == want) return {};
  return fail(Code::kUnavailable,
              "it is " + std::string(to_string(state)) + " after its resume");
}

// Done when the guest is off: the process ended, or says so by an event.
Result<> NodeHands::ask_guest(Job& job, Mono deadline) {
  const Guest& g = guest(job, Which::kCurrent);
  if (!g.process) return {};
  const model::Hypervisor kind = job.after.config.hypervisor;
  const auto asked = backend(kind).ask_guest_to_stop(vmm(job, Which::kCurrent));
  if (!asked) return asked;
  if (!hypervisor::capabilities(kind).event_file)
    return g.process->wait_end(deadline);
  CHRYSALIS_ASSIGN(auto tail, hypervisor::EventTail::open(
                                  paths(job, Which::kCurrent).events()));
  while (deps_.clock.mono() < deadline) {
    if (g.process->ended()) return {};
    CHRYSALIS_ASSIGN(const auto state,
                     backend(kind).state(vmm(job, Which::kCurrent)));
    if (state == hypervisor::VmmState::kEnded) return {};
    const auto events = tail.wait(deadline);
    if (!events) return tl::unexpected(events.error());
  }
  return fail(Code::kTimeout, "the guest did not stop in its grace period");
}

Result<> NodeHands::shut_down(Job& job, Mono deadline) {
  Guest& g = guest(job, Which::kCurrent);
  if (!g.process) return fail(Code::kUnavailable, "not held");
  const model::Hypervisor kind = job.after.config.hypervisor;
  if (hypervisor::capabilities(kind).api_shutdown) {
    CHRYSALIS_TRY(backend(kind).shut_down(vmm(job, Which::kCurrent)));
  } else {
    const auto sent = g.process->terminate();
    if (!sent && sent.error().code != Code::kNotFound) return sent;
  }
  CHRYSALIS_TRY(g.process->wait_end(deadline));
  return kill(job, Which::kCurrent, deadline);  // proves and forgets it
}

// Proven by the pidfd, never by a bare pid. What never was is gone.
Result<> NodeHands::kill(Job& job, Which which, Mono deadline) {
  held(job.uid).durable = {};  // nobody writes any more when it is gone
  Guest& g = guest(job, which);
  if (g.gated) {
    g.process.emplace(hypervisor::Launcher::close_gate(std::move(*g.gated)));
    g.gated.reset();
  }
  if (g.process) {
    const auto sent = g.process->kill();
    if (!sent && sent.error().code != Code::kNotFound) return sent;
    CHRYSALIS_TRY(g.process->wait_end(deadline));
    // The shim writes the exit and drops the lock a moment later.
    CHRYSALIS_TRY(g.process->wait_shim(deadline));
    if (which == Which::kCurrent) deps_.watch.forget(job.uid);
    g.process.reset();
    g.events.reset();
    g.reboots = 0;
    g.ejected.clear();
  }
  const uint32_t generation = record(job, which).generation;
  cgroups_.remove(job.uid, generation);
  for (const auto& row : deps_.db.processes(job.uid))
    if (row->generation == generation)
      job.outcomes.emplace_back(store::EraseProcess{job.uid, generation});
  // Rows of this job that are not durable yet must not outlive it either: of
  // its process, and that it started.
  std::erase_if(job.outcomes, [&](const store::Mutation& m) {
    if (const auto* row = std::get_if<store::ProcessRow>(&m))
      return row->generation == generation;
    return std::holds_alternative<store::VmRecord>(m);
  });
  g.generation = 0;
  return {};
}

Result<> NodeHands::read_exit(Job& job) {
  Held& h = held(job.uid);
  if (!h.exit) h.exit = recorded_power_off(job.before);
  const auto found =
      h.exit ? Result<std::optional<hypervisor::ExitRecord>>{std::nullopt}
             : hypervisor::read_exit(paths(job, Which::kCurrent).exit_status());
  if (found && *found && !h.exit) h.exit = view_of(**found);
  if (!h.exit) {
    const bool rebooted = [&] {
      const auto now = hypervisor::read_boot_id();
      return now && *now != job.before.boot_id;
    }();
    h.exit = ExitView{deps_.clock.wall(),
                      rebooted ? "HostRebooted" : "ShimLost", -1, false};
  }
  job.after.last_exit = to_record(*h.exit);
  return {};
}

}  // namespace chrysalis::engine
