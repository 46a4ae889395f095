#include "tests/src/engine/machine/world.h"

namespace chrysalis::engine {
namespace {

bool exists(Vm vm) { return vm != Vm::kNone && vm != Vm::kDead; }

Seen seen(Vm vm) {
  switch (vm) {
    case Vm::kNone:
    case Vm::kDead:
    case Vm::kGated:  // its gate closed with the agent
      return Seen::kGone;
    case Vm::kUp:
      return Seen::kUnloaded;
    case Vm::kRunning:
      return Seen::kRunning;
    case Vm::kPaused:
      return Seen::kPaused;
    case Vm::kEnded:
      return Seen::kEnded;
  }
  return Seen::kGone;
}

std::optional<Vm> from(Vm vm, std::initializer_list<Vm> possible, Vm to) {
  for (const Vm p : possible)
    if (p == vm) return to;
  return std::nullopt;
}

// Moves a VMM from one state to another; nothing when it is elsewhere.
std::optional<Vm> moved(Vm vm, Do what, const Facts& facts) {
  const Vm settled = facts.user_paused ? Vm::kPaused : Vm::kRunning;
  switch (what) {
    case Do::kSpawn:
      return exists(vm) ? std::nullopt : std::optional(Vm::kGated);
    case Do::kOpenGate:
      return from(vm, {Vm::kGated}, Vm::kUp);
    case Do::kBoot:
      return from(vm, {Vm::kUp}, Vm::kRunning);
    case Do::kLoad:
      return from(vm, {Vm::kUp}, Vm::kPaused);
    case Do::kPause:
      return from(vm, {Vm::kRunning, Vm::kPaused}, Vm::kPaused);
    case Do::kResume:
      return from(vm, {Vm::kRunning, Vm::kPaused}, Vm::kRunning);
    case Do::kAskGuest:
      return from(vm, {Vm::kRunning}, Vm::kEnded);
    case Do::kShutDown:
    case Do::kKill:
      return vm == Vm::kNone ? Vm::kNone : Vm::kDead;
    case Do::kCheckHealthy:
      return from(vm, {settled}, settled);
    case Do::kDump:
    case Do::kCompare:
    case Do::kSwapNics:
      return from(vm, {Vm::kPaused}, Vm::kPaused);
    case Do::kPreflight:
    case Do::kStage:
    case Do::kFlush:
    case Do::kNetworkUp:
    case Do::kArmGuard:
    case Do::kDisarmGuard:
    case Do::kDropGuard:
    case Do::kCopyDisks:
    case Do::kInspect:
    case Do::kPublish:
    case Do::kDropStaging:
    case Do::kSwitchNetwork:
    case Do::kReadExit:
    case Do::kNetworkDown:
    case Do::kRemoveGeneration:
    case Do::kRemoveVm:
    case Do::kRemoveSnapshot:
    case Do::kRetainSnapshot:
    case Do::kTakeIn:
      return vm;
  }
  return vm;
}

// What an action does to the rest of the world.
void leave_marks(World& w, Do what, bool next) {
  if (what == Do::kStage) (next ? w.gen_next : w.gen_current) = true;
  if (what == Do::kStage || what == Do::kFlush)
    w.unflushed = what == Do::kStage;
  if (what == Do::kArmGuard) w.guard_armed = true;
  if (what == Do::kDropGuard || what == Do::kDisarmGuard) w.guard_armed = false;
  if (what == Do::kDump || what == Do::kTakeIn) w.staging = true;
  if (what == Do::kPublish) {
    w.staging = false;
    w.published = true;
  }
  if (what == Do::kDropStaging) w.staging = w.published = false;
  if (what == Do::kSwitchNetwork) w.redirect_to_next = next;
  if (what == Do::kRemoveGeneration)
    (next ? w.gen_next : w.gen_current) = false;
  if (what == Do::kRemoveVm) {
    w.gen_current = w.gen_next = false;
    w.removed = true;
  }
  if (what == Do::kRemoveSnapshot || what == Do::kRetainSnapshot) {
    w.published = false;
    w.removed = true;
  }
}

std::optional<World> effect(World w, const Action& action, const Facts& facts) {
  const bool next = action.vmm == Which::kNext;
  Vm& vm = next ? w.next : w.current;
  const auto to = moved(vm, action.what, facts);
  if (!to) return std::nullopt;
  const bool gated = vm == Vm::kGated;
  vm = *to;
  if (!next && action.what == Do::kSpawn) w.ran = w.never_ran = false;
  if (!next && (action.what == Do::kBoot || action.what == Do::kResume))
    w.ran = true;
  if (!next && action.what == Do::kKill && gated) w.never_ran = true;
  leave_marks(w, action.what, next);
  return w;
}

bool talks_to_vmm(Do what) {
  for (const Do talking :
       {Do::kOpenGate, Do::kBoot, Do::kLoad, Do::kCompare, Do::kSwapNics,
        Do::kPause, Do::kResume, Do::kDump, Do::kCopyDisks, Do::kCheckHealthy})
    if (what == talking) return true;
  return false;
}

}  // namespace

std::vector<Way> ways(const World& world, const Action& action,
                      const Facts& facts, bool with_faults) {
  std::vector<Way> out;
  const auto good = effect(world, action, facts);
  if (!good)
    out.push_back({world, Happened::kFailed, false});
  else if (action.what == Do::kDisarmGuard && world.guard_fired)
    out.push_back({*good, Happened::kGuardFired, false});
  else
    out.push_back({*good, Happened::kDone, false});
  if (!with_faults) return out;
  out.push_back({world, Happened::kFailed, true});
  out.push_back({world, Happened::kTimedOut, true});
  if (good) out.push_back({*good, Happened::kTimedOut, true});
  const bool next = action.vmm == Which::kNext;
  if (talks_to_vmm(action.what)) {
    World dead = world;
    (next ? dead.next : dead.current) = Vm::kDead;
    (next ? dead.next_died : dead.current_died) = true;
    out.push_back({dead, Happened::kFailed, true});
  }
  // The guard's deadline passes while we work.
  if (good && good->guard_armed &&
      (good->current == Vm::kPaused || good->current == Vm::kRunning)) {
    World late = *good;
    late.guard_armed = false;
    late.guard_fired = true;
    // Before the pause arrives it resumes nobody.
    late.torn = good->torn || good->current == Vm::kPaused;
    late.current = Vm::kRunning;
    out.push_back({late, Happened::kDone, true});
  }
  return out;
}

std::vector<World> unwatched(const World& world) {
  std::vector<World> out = {world};
  if (world.current != Vm::kRunning) return out;
  for (const Vm end : {Vm::kEnded, Vm::kDead}) {
    out.push_back(world);
    out.back().current = end;
    out.back().current_died = true;
  }
  return out;
}

World without_agent(World w) {
  w.never_ran = w.never_ran || w.current == Vm::kGated;
  for (Vm* vm : {&w.current, &w.next})
    if (*vm == Vm::kGated) *vm = Vm::kDead;
  if (w.guard_armed && w.current == Vm::kPaused) {
    w.current = Vm::kRunning;
    w.torn = true;
  }
  w.guard_armed = false;
  w.guard_fired = false;
  return w;
}

World rebooted(World w) {
  const bool never_ran = w.never_ran;
  w = without_agent(w);
  w.never_ran = never_ran;  // its shim may not have said so in time
  for (Vm* vm : {&w.current, &w.next})
    if (*vm != Vm::kNone) *vm = Vm::kDead;
  w.current_died = w.next_died = true;
  return w;
}

Observed look(const World& w, bool same_boot) {
  const bool never = w.never_ran && w.current == Vm::kDead;
  return {never ? Seen::kNeverRan : seen(w.current), seen(w.next), same_boot};
}

}  // namespace chrysalis::engine
