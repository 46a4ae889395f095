// Stop, Pause and Resume by the user; Reap after an end by itself.
//
//   Stop:   Ask --(off, or grace over)--> ShutDown --> Release --> ok
//            '- not askable: from here ----^    | no       ^
//                                               v          |
//                                              Kill -------' no: failed
//   Pause, Resume:  Apply --> ok | failed
//   Reap:   Kill --> Release --> ok
//
// Nothing outside waits on a stop but its end: one intent, one end.

#include "src/engine/machine/rules.h"

namespace chrysalis::engine::rules {

Plan plan(StopStep step, const Facts& facts) {
  switch (step) {
    case StopStep::kAsk:
      if (!facts.can_ask) return {true, {}};
      return {true, {act(Do::kAskGuest, Which::kCurrent, facts.grace)}};
    case StopStep::kShutDown:
      return {false, {act(Do::kShutDown)}};
    case StopStep::kKill:
      return {false, {act(Do::kKill)}};
    case StopStep::kRelease:
      return {false, {act(Do::kNetworkDown)}};
  }
  return {};
}

Move move(StopStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case StopStep::kAsk:
      if (what == Happened::kNotJournalled) return failed();
      return go(StopStep::kShutDown);
    case StopStep::kShutDown:
      return go(done(what) ? StopStep::kRelease : StopStep::kKill);
    case StopStep::kKill:
      return done(what) ? go(StopStep::kRelease) : failed();
    case StopStep::kRelease:
      return done(what) ? ok() : failed();
  }
  return failed();
}

Plan plan(PowerStep step, Kind kind) {
  switch (step) {
    case PowerStep::kApply:
      return {true, {act(kind == Kind::kPause ? Do::kPause : Do::kResume)}};
  }
  return {};
}

Move move(PowerStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case PowerStep::kApply:
      return done(what) ? ok() : failed();
  }
  return failed();
}

Plan plan(ReapStep step, const Facts&) {
  switch (step) {
    case ReapStep::kKill:
      return {false, {act(Do::kKill)}};
    case ReapStep::kRelease:
      return {false, {act(Do::kReadExit), act(Do::kNetworkDown)}};
  }
  return {};
}

Move move(ReapStep step, Kind, const Facts&, Happened what) {
  switch (step) {
    case ReapStep::kKill:
      return done(what) ? go(ReapStep::kRelease) : failed();
    case ReapStep::kRelease:
      return done(what) ? ok() : failed();
  }
  return failed();
}

}  // namespace chrysalis::engine::rules
